import { Button } from '@mantine/core';
import { IconArrowRight, IconCheck } from '@tabler/icons-react';
import type { Detection } from '../../../engine/contract.ts';
import type { RequestDraft } from '../../stores/preview-store.ts';
import classes from './detected-panel.module.css';
import { changeOf, SETTING_LABELS } from './request-model.ts';

const SURE: Readonly<Record<Detection['confidence'], string>> = {
  certain: '',
  likely: 'likely',
  guess: 'a guess',
};

/** What the responses tell about the job's settings, and why. What is new stands first. */
export function DetectedPanel({
  detections,
  pages,
  isInRequest,
  onApply,
}: {
  detections: readonly [setting: string, detection: Detection][];
  pages: number;
  /** The request has the value by now, though the preview at hand was made without it. */
  isInRequest(setting: string, detection: Detection): boolean;
  onApply(changes: readonly RequestDraft[]): void;
}) {
  const fresh = detections.filter(([setting, one]) => !one.in_use && !isInRequest(setting, one));
  const ordered = [...fresh, ...detections.filter((entry) => !fresh.includes(entry))];
  const sure = fresh.filter(([, { confidence }]) => confidence !== 'guess');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={`${classes['detected']} scroll`} aria-label="Detected" tabIndex={0}>
      <div className={classes['bar']}>
        <h2>Detected</h2>
        <span className="small faint">{pages === 1 ? 'in 1 page' : `in ${pages} pages`}</span>
        <span className="grow" />
        {sure.length > 1 ? (
          <Button
            size="xs"
            variant="default"
            onClick={() => onApply(sure.map(([setting, one]) => changeOf(setting, one)))}
          >
            {sure.length === 2 ? 'Apply both' : `Apply ${sure.length}`}
          </Button>
        ) : null}
      </div>
      {ordered.length === 0 ? (
        <p className={`${classes['none']} small dim`}>The responses tell nothing about the settings.</p>
      ) : null}
      <ul>
        {ordered.map(([setting, detection]) => {
          const isNew = fresh.some(([other]) => other === setting);
          const label = SETTING_LABELS[setting] ?? setting;
          return (
            <li key={setting} className={classes['suggestion']}>
              <div className="row">
                <span className="small dim grow">{label}</span>
                {isNew ? (
                  <Button
                    size="xs"
                    variant="subtle"
                    className={classes['apply']}
                    aria-label={`Apply ${label}: ${detection.value}`}
                    rightSection={<IconArrowRight size={12} />}
                    onClick={() => onApply([changeOf(setting, detection)])}
                  >
                    Apply
                  </Button>
                ) : (
                  <span className={classes['used']}>
                    <IconCheck size={13} stroke={2.25} aria-hidden />
                    {detection.in_use ? 'in use' : 'in the request'}
                  </span>
                )}
              </div>
              <p className={classes['value']} data-new={isNew || undefined}>
                {detection.value}
                {SURE[detection.confidence] === '' ? null : (
                  <span className={classes['sure']}>{SURE[detection.confidence]}</span>
                )}
              </p>
              <p className={classes['evidence']}>{detection.evidence}</p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
