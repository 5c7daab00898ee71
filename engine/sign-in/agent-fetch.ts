import { type Agent, request } from 'node:https';

/** A token's answer is some kilobytes. */
const MOST_BYTES = 2 ** 20;
const PATIENCE = 30_000;

/** `fetch` for short answers over HTTPS, through an agent: with its proxy and its authorities. Redirects are not followed. */
export function agentFetch(agent: Agent) {
  return (
    address: string,
    init: { method: string; headers: Record<string, string>; body?: unknown; signal?: AbortSignal | undefined },
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(init.signal ? [init.signal] : [])]);
      const sent = request(address, { method: init.method, headers: init.headers, agent, signal }, (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > MOST_BYTES) sent.destroy(new Error('the answer is too long'));
          parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [
            name,
            String(value),
          ]);
          resolve(new Response(Buffer.concat(parts), { status: answer.statusCode ?? 500, headers }));
        });
      });
      sent.on('error', reject);
      sent.end(init.body instanceof URLSearchParams ? init.body.toString() : undefined);
    });
}
