import { ActionIcon, Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { runAction } from '../actions/actions.ts';
import { useApp, useProject, useWindow } from '../app.ts';
import { StatusIcon } from '../ui/status-icon.tsx';
import classes from './banners.module.css';

export interface BannerProps {
  tone: 'info' | 'warn' | 'err';
  title: string;
  text?: ReactNode;
  actions?: ReactNode;
  onClose?: () => void;
}

const ICONS = { info: 'info', warn: 'warning', err: 'error' } as const;

/** A message about the whole window, over the screen until it is settled. */
export function Banner({ tone, title, text, actions, onClose }: BannerProps) {
  return (
    <div className={classes['banner']} data-tone={tone} role={tone === 'err' ? 'alert' : 'status'}>
      <StatusIcon status={ICONS[tone]} size={16} />
      <p className={classes['text']}>
        <span className="medium">{title}</span>
        {text === undefined ? null : <span className="dim"> {text}</span>}
      </p>
      {actions}
      {onClose === undefined ? null : (
        <ActionIcon size="xs" aria-label="Dismiss" onClick={onClose}>
          <IconX size={14} />
        </ActionIcon>
      )}
    </div>
  );
}

export function Banners() {
  const app = useApp();
  const { window, commands } = app;
  const restarted = useWindow((state) => state.restarted);
  const changed = useWindow((state) => state.changedOnDisk);
  const readOnly = useProject((state) => state.document?.readOnly ?? null);
  const elsewhere = useProject((state) => state.document?.openElsewhere ?? null);
  const unsaved = useProject((state) => state.unsaved);
  return (
    <>
      {restarted === null ? null : (
        <Banner
          tone="err"
          title="The engine stopped and was started again."
          text={`${restarted} Your edits are kept; a run that was going on has ended.`}
          onClose={() => window.setState({ restarted: null })}
        />
      )}
      {changed === null ? null : (
        <Banner
          tone="warn"
          title={changed.gone ? 'The project’s files are gone.' : `${capital(changed.file)} was changed outside.`}
          text={
            changed.gone
              ? 'What you see is still here: save it as a copy.'
              : unsaved > 0
                ? 'It and your unsaved changes are not the same.'
                : 'What you see is what was read before.'
          }
          actions={
            changed.gone ? (
              <Button size="xs" variant="default" onClick={() => void commands.saveCopy()}>
                Save a copy …
              </Button>
            ) : unsaved > 0 ? (
              <Button size="xs" variant="default" onClick={() => window.show({ kind: 'conflict' })}>
                Decide …
              </Button>
            ) : (
              <Button size="xs" variant="default" onClick={() => void commands.reload()}>
                Read again
              </Button>
            )
          }
        />
      )}
      {readOnly === null ? null : (
        <Banner
          tone="warn"
          title="This project cannot be saved here."
          text={readOnly}
          actions={
            <Button size="xs" variant="default" onClick={() => runAction(app.actions, 'project.save_copy')}>
              Save a copy …
            </Button>
          }
        />
      )}
      {elsewhere === null ? null : (
        <Banner
          tone="info"
          title={`Also open in ${elsewhere}.`}
          text="Whoever saves second is asked before anything is overwritten."
          onClose={() => app.project.patchDocument({ openElsewhere: null })}
        />
      )}
    </>
  );
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
