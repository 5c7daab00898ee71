import { useEffect, useState } from 'react';
import type { Input, Output } from '../../../engine/contract.ts';
import { call, isCancelled } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { shownError } from '../runs/use-run.ts';

export type ResultTable = Output<'result.tables'>[number];
export type ResultPage = Output<'result.page'>;
export type ColumnProfile = Output<'result.profile'>[number];

/** Where results are read from. */
export type ResultPlace = Pick<Input<'result.tables'>, 'directory' | 'env' | 'destination'>;

export interface Asked<Value> {
  value: Value | null;
  error: ShownError | null;
  loading: boolean;
}

/** Asks again whenever the key changes, and lets go of what was asked before. The old value stays while the new one comes, if `keep`. */
export function useAsked<Value>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<Value>,
  { keep = false }: { keep?: boolean } = {},
): Asked<Value> {
  const [state, setState] = useState<Asked<Value>>({ value: null, error: null, loading: key !== null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the question
  useEffect(() => {
    if (key === null) {
      setState({ value: null, error: null, loading: false });
      return;
    }
    const controller = new AbortController();
    setState((now) => ({ value: keep ? now.value : null, error: null, loading: true }));
    ask(controller.signal).then(
      (value) => setState({ value, error: null, loading: false }),
      (error: unknown) => {
        if (!isCancelled(error)) setState({ value: null, error: shownError(error), loading: false });
      },
    );
    return () => controller.abort();
  }, [key]);
  return state;
}

export function useTables(place: ResultPlace | null, round: number): Asked<ResultTable[]> {
  const key = place === null ? null : JSON.stringify([place, round]);
  return useAsked(key, (signal) => call('result.tables', place!, { signal }), { keep: true });
}
