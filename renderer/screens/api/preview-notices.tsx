import { Button, Loader } from '@mantine/core';
import type { JobPreview } from '../../../engine/contract.ts';
import type { PreviewRun } from '../../stores/preview-store.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { Notice } from '../../ui/notice.tsx';
import { spanText } from './page-stepper.tsx';
import { PREVIEW_PAGES } from './preview-commands.ts';
import classes from './preview-notices.module.css';

/** Why the preview stopped, what is wrong, what a person should know; the most urgent first. */
export function PreviewNotices({
  preview,
  run,
  isOutdated,
  cappedAt,
  onPageSize,
  onNext,
}: {
  preview: JobPreview;
  run: PreviewRun;
  /** The request was changed since. */
  isOutdated: boolean;
  cappedAt: number | null;
  onPageSize(size: number): void;
  onNext(): void;
}) {
  const { failure, stop, pages, warnings, estimate } = preview;
  const last = pages.at(-1)?.next;
  const asksMore = last !== undefined && 'request' in last;
  return (
    <div className={`${classes['notices']} scroll`}>
      {run.status === 'running' ? (
        <Notice
          status="info"
          icon={<Loader size={14} aria-hidden />}
          title={run.replayOf === null ? 'Asking the API again …' : 'Replaying …'}
        >
          Below is the preview before.
        </Notice>
      ) : run.status === 'cancelled' ? (
        <Notice status="cancelled" title="The preview was cancelled">
          Below is the preview before.
        </Notice>
      ) : null}
      {failure === undefined ? null : (
        <ErrorCard
          title={`Page ${pages.length} could not be read`}
          error={{ code: failure.code, message: failure.message, hint: failure.hint ?? null, detail: null }}
        />
      )}
      {failure === undefined ? (
        <Notice
          status="info"
          title={
            stop.reason === 'preview_limit'
              ? `Stopped after page ${pages.length}: the preview’s limit`
              : `The read ends after page ${pages.length}`
          }
          actions={
            asksMore ? (
              <Button size="xs" variant="subtle" onClick={onNext}>
                Next request
              </Button>
            ) : undefined
          }
        >
          {stop.reason === 'preview_limit' ? moreText(preview) : stop.detail}
          {estimate === undefined || stop.reason !== 'preview_limit'
            ? null
            : ` The whole read: ${estimate.records === null ? '' : `${estimate.records.toLocaleString('en')} records, `}${estimate.detail}, about ${spanText(estimate.seconds)}.`}
        </Notice>
      ) : null}
      {warnings.map(({ code, message, hint, column }) => {
        const split = /^(.{12,90}?)[:.] (.+)$/s.exec(message);
        return (
          <Notice
            key={`${code} ${column ?? ''} ${message}`}
            status="warning"
            title={split?.[1] ?? message.replace(/\.$/, '')}
            actions={
              code === 'API_PAGE_SIZE_CAPPED' && cappedAt !== null ? (
                <Button size="xs" variant="default" onClick={() => onPageSize(cappedAt)}>
                  Set page size to {cappedAt}
                </Button>
              ) : undefined
            }
          >
            {[split?.[2], code === 'API_PAGE_SIZE_CAPPED' ? undefined : hint]
              .filter((text) => text !== undefined)
              .join(' ')}
          </Notice>
        );
      })}
      {preview.replayed === true ? (
        <Notice status="info" title="Replayed from a recording">
          Nothing was sent{run.replayOf === null ? '' : `; ${run.replayOf}`}.
        </Notice>
      ) : null}
      {isOutdated && run.status !== 'running' ? (
        <Notice status="info" title="The request was changed since">
          Preview again to see what it brings.
        </Notice>
      ) : null}
    </div>
  );
}

function moreText({ detected, pages }: JobPreview): string {
  const more = detected['more_pages'];
  const limit = `Previews ask for ${PREVIEW_PAGES} pages at most.`;
  const isLast = pages.at(-1)?.next;
  if (isLast !== undefined && !('request' in isLast)) return limit;
  return typeof more === 'string'
    ? `The API has more: ${more}. A run goes on to its end.`
    : `${limit} A run goes on to the end.`;
}
