import { Button, Kbd, UnstyledButton } from '@mantine/core';
import type { Finding } from '../../../engine/spec/finding.ts';
import { shortcutText } from '../../actions/action.ts';
import { runAction } from '../../actions/actions.ts';
import { applyFix, fixLabel } from '../../actions/issues.ts';
import { useApp, useSettings } from '../../app.ts';
import { problemOf } from '../../shell/issues-panel.tsx';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './cell-note.module.css';

/** Beside a cell that is wrong: what is wrong, and the change that settles it. */
export function CellNote({ finding, onFixed }: { finding: Finding; onFixed(): void }) {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const fix = fixLabel(app, finding);
  const wrong = finding.severity === 'error';
  return (
    <div className={classes['note']}>
      <p className={classes['title']}>
        <StatusIcon status={wrong ? 'error' : 'warning'} label={finding.severity} />
        <span>{problemOf(finding)}</span>
      </p>
      {finding.hint === null || (fix !== null && finding.hint.startsWith('Did you mean')) ? null : (
        <p className={classes['hint']}>{finding.hint}</p>
      )}
      {wrong ? <p className={classes['hint']}>Your text stays, but a run with this row does not start.</p> : null}
      <div className={classes['actions']}>
        {fix === null ? null : (
          <>
            <Button
              size="xs"
              onClick={() => {
                applyFix(app, finding);
                onFixed();
              }}
            >
              {fix}
            </Button>
            <Kbd>{shortcutText('Mod+.', mac)}</Kbd>
          </>
        )}
        <span className="grow" />
        <UnstyledButton className={classes['next']} onClick={() => runAction(app.actions, 'issue.next')}>
          Next <Kbd>F8</Kbd>
        </UnstyledButton>
      </div>
    </div>
  );
}
