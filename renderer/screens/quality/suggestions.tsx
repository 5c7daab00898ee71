import { Button } from '@mantine/core';
import { IconPlus, IconRefresh } from '@tabler/icons-react';
import type { Output } from '../../../engine/contract.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { Panel } from '../../ui/panel.tsx';
import type { Asked } from '../results/use-results.ts';
import classes from './quality-screen.module.css';

export type Suggestion = Output<'quality.suggest'>[number];

/** Checks that suit what was loaded, each with what was seen. */
export function Suggestions({
  asked,
  suggestions,
  onAdd,
  onAgain,
}: {
  asked: Asked<Suggestion[]>;
  /** Those that no row says already. */
  suggestions: readonly Suggestion[];
  onAdd(suggestions: readonly Suggestion[]): void;
  onAgain(): void;
}) {
  return (
    <Panel
      title="Suggestions"
      count={suggestions.length === 0 ? undefined : suggestions.length}
      className={classes['panel']}
      actions={
        suggestions.length > 1 ? (
          <Button size="xs" variant="default" onClick={() => onAdd(suggestions)}>
            Add all
          </Button>
        ) : undefined
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={`${classes['suggestions']} scroll`} tabIndex={0} aria-label="Suggested checks">
        {asked.error !== null ? (
          <ErrorCard
            title={
              asked.error.code === 'LOCKED'
                ? 'A run has the destination to itself'
                : 'What is loaded could not be looked at'
            }
            error={asked.error}
            actions={
              <Button size="xs" variant="default" leftSection={<IconRefresh size={12} />} onClick={onAgain}>
                Look again
              </Button>
            }
          />
        ) : suggestions.length > 0 ? (
          <ul className={classes['list']}>
            {suggestions.map((suggestion) => (
              <li key={keyOf(suggestion)}>
                <span className={classes['what']}>
                  <span className="medium">
                    {suggestion.table} → {suggestion.type}
                  </span>
                  <span className="faint small">{suggestion.reason}</span>
                </span>
                <Button
                  size="xs"
                  variant="subtle"
                  data-quiet
                  leftSection={<IconPlus size={12} />}
                  aria-label={`Add ${suggestion.type} of ${suggestion.table}: ${suggestion.reason}`}
                  onClick={() => onAdd([suggestion])}
                >
                  Add
                </Button>
              </li>
            ))}
          </ul>
        ) : (
          <p className="faint">
            {asked.loading
              ? 'Looking at what was loaded …'
              : asked.value?.length === 0
                ? 'Run a job, or try it with a few rows: checks that suit its data show up here.'
                : 'Every check that suits the data is there already.'}
          </p>
        )}
      </section>
    </Panel>
  );
}

export function keyOf({ table, type, columns }: Suggestion): string {
  return JSON.stringify([table, type, columns]);
}
