import { IngestError } from '../errors.ts';
import type { PreviewReplay, RecordedRequest, RecordedResponse } from '../sources/source.ts';
import { HIDDEN } from './hide-secrets.ts';
import type { RecordedExchange, Recording } from './recording.ts';

/** Answers requests from a recording. What was hidden in it fits any value; everything else must be as it was asked. */
export function createReplay(recording: Recording): PreviewReplay {
  const used = new Set<RecordedExchange>();
  return {
    baseUrl: recording.base_url,
    answer(request): RecordedResponse {
      let best: { exchange: RecordedExchange; score: number } | null = null;
      for (const exchange of recording.exchanges) {
        const fit = likeness(exchange.request, request);
        if (fit === null) continue;
        // Of equals, one that was not given yet: two pages may differ in a hidden value only.
        const score = fit * 2 + (used.has(exchange) ? 0 : 1);
        if (best === null || score > best.score) best = { exchange, score };
      }
      if (best === null) throw missing(recording, request);
      used.add(best.exchange);
      const { exchange } = best;
      if ('response' in exchange) return exchange.response;
      throw new IngestError(exchange.failure.code, exchange.failure.message, {
        ...(exchange.failure.hint === undefined ? {} : { hint: exchange.failure.hint }),
      });
    },
  };
}

function missing(recording: Recording, { method, url, body }: RecordedRequest): IngestError {
  const address = new URL(url);
  const recorded = recording.exchanges.map(({ request }) => new URL(request.url));
  const others = [...new Set(recorded.map(({ pathname, search }) => `${pathname}${search}`))].slice(0, 3).join(', ');
  return new IngestError(
    'RECORDING_MISSES_REQUEST',
    `The recording holds no answer to ${method} ${address.pathname}${safeSearch(address)}${body === undefined || body === null ? '' : ' with this body'}.`,
    {
      hint: `It was made with other settings or for fewer pages. It has ${recorded.length === 1 ? '1 request' : `${recorded.length} requests`}: ${others}${recorded.length > 3 ? ' and others' : ''}. Preview online to record again.`,
    },
  );
}

/** Names of parameters say enough; a value may be a secret of the connection at hand. */
function safeSearch({ searchParams }: URL): string {
  const parts = [...searchParams].map(([name, value]) => `${name}=${value.length > 24 ? '…' : value}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** Null: another request. Else how many values were compared and equal, not merely hidden. */
function likeness(recorded: RecordedRequest, asked: RecordedRequest): number | null {
  if (recorded.method !== asked.method) return null;
  const one = new URL(recorded.url);
  const other = new URL(asked.url);
  if (one.origin !== other.origin) return null;
  let score = 0;
  const scores = [
    fits(decodeURIComponent(one.pathname), decodeURIComponent(other.pathname)),
    ...parameterFits(one.searchParams, other.searchParams),
    bodyFits(recorded.body ?? null, asked.body ?? null),
  ];
  for (const fit of scores) {
    if (fit === null) return null;
    score += fit;
  }
  return score;
}

function parameterFits(recorded: URLSearchParams, asked: URLSearchParams): (number | null)[] {
  const names = new Set([...recorded.keys(), ...asked.keys()]);
  return [...names].map((name) => {
    const one = recorded.getAll(name);
    const other = asked.getAll(name);
    if (one.length !== other.length) return null;
    return one.map((value, index) => fits(value, other[index] as string)).reduce(sum, 0);
  });
}

function sum(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

/** 1: equal. 0: the recorded value is hidden. Null: another one. */
function fits(recorded: string, asked: string): number | null {
  if (recorded === asked) return 1;
  if (HIDDEN.test(recorded)) return 0;
  if (!recorded.includes('***')) return null;
  const pieces = recorded.split('***').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`, 's').test(asked) ? 0 : null;
}

function bodyFits(recorded: unknown, asked: unknown): number | null {
  if (typeof recorded === 'string' && typeof asked === 'string') return fits(recorded, asked);
  if (typeof recorded !== 'object' || typeof asked !== 'object' || recorded === null || asked === null)
    return recorded === asked ? 1 : null;
  const keys = new Set([...Object.keys(recorded), ...Object.keys(asked)]);
  return [...keys]
    .map((key) => bodyFits((recorded as Record<string, unknown>)[key], (asked as Record<string, unknown>)[key]))
    .reduce(sum, 0);
}
