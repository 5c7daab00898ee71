import type { RunDetail } from './run-model.ts';

const PARTS = { jobs: 'jobs', checks: 'checks', freshness: 'freshness checks' } as const;

/** `84: 6 of 6 jobs (counts 60), 9 of 10 checks (30), 0 of 1 freshness checks (10)`: a score with what makes it; null where a run has none. */
export function healthText(metrics: RunDetail['metrics']): { score: string; parts: string } | null {
  if (metrics === null) return null;
  const { health, health_score: score } = metrics;
  const parts = (Object.keys(PARTS) as (keyof typeof PARTS)[]).map((name) => {
    const { weight, score: share, measured } = health[name];
    const counts = `counts ${Math.round(weight * 100)}`;
    if (measured === 0) return `no ${PARTS[name]} (${counts}, full)`;
    return `${Math.round(share * measured)} of ${measured} ${PARTS[name]} (${counts})`;
  });
  return { score: Number.isInteger(score) ? String(score) : score.toFixed(1), parts: parts.join(', ') };
}
