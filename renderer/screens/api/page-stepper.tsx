import { UnstyledButton } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import type { JobPreview } from '../../../engine/contract.ts';
import { millisecondsText } from '../../ui/number-text.ts';
import classes from './page-stepper.module.css';

/** The pages that came, and the one that was not asked for. */
export function PageStepper({
  preview,
  page,
  onPage,
  onNext,
}: {
  preview: JobPreview;
  page: number;
  onPage(page: number): void;
  onNext(): void;
}) {
  const last = preview.pages.at(-1);
  const asksMore = last?.next !== undefined && 'request' in last.next;
  return (
    <ol className={classes['stepper']} aria-label="Pages">
      {preview.pages.map(({ response, record_count, records }, index) => {
        const isWrong = preview.failure !== undefined && index === preview.pages.length - 1;
        const count = record_count ?? records.length;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: pages are known by their place
          <li key={index}>
            <UnstyledButton
              className={classes['page']}
              data-active={index === page || undefined}
              aria-current={index === page || undefined}
              onClick={() => onPage(index)}
            >
              <span className="row">
                <span className="medium">Page {index + 1}</span>
                <span className="grow" />
                {response === undefined ? null : (
                  <span className={classes['code']} data-wrong={isWrong || undefined}>
                    {isWrong ? (
                      <IconX size={12} stroke={2.5} aria-label="failed" />
                    ) : (
                      <IconCheck size={12} stroke={2.5} aria-hidden />
                    )}
                    {response.status}
                  </span>
                )}
              </span>
              <span className={classes['facts']}>
                <span className="truncate">
                  {count.toLocaleString('en')} {count === 1 ? 'record' : 'records'}
                </span>
                {response === undefined ? null : <span>{millisecondsText(response.duration_ms)}</span>}
              </span>
            </UnstyledButton>
          </li>
        );
      })}
      {asksMore ? (
        <li className={classes['last']}>
          <UnstyledButton className={classes['page']} data-next onClick={onNext}>
            <span className="medium">Page {preview.pages.length + 1}</span>
            <span className={classes['facts']}>not asked</span>
          </UnstyledButton>
        </li>
      ) : null}
    </ol>
  );
}

/** `45 s`, `3 min`, `2.5 h` */
export function spanText(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
