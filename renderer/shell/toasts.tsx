import { ActionIcon, Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useApp, useWindow } from '../app.ts';
import type { Toast } from '../stores/window-store.ts';
import { StatusIcon } from '../ui/status-icon.tsx';
import classes from './toasts.module.css';

const ICONS = { ok: 'ok', info: 'info', warn: 'warning', err: 'error' } as const;
/** Errors stay until they are dismissed. */
const SHOWN_MS = 6000;

/** Short news in the corner; what must be decided is a dialog or a banner. */
export function Toasts() {
  const toasts = useWindow((state) => state.toasts);
  return (
    <section className={classes['corner']} aria-label="News">
      {toasts.map((toast) => (
        <Item key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function Item({ toast }: { toast: Toast }) {
  const { window } = useApp();
  const { id, tone, title, text, action } = toast;
  useEffect(() => {
    if (tone === 'err') return;
    const timer = setTimeout(() => window.dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id, tone, window]);
  return (
    <div className={classes['toast']}>
      <StatusIcon status={ICONS[tone]} size={16} />
      <div className="grow">
        <p className="medium">{title}</p>
        {text === undefined ? null : <p className="small dim">{text}</p>}
      </div>
      {action === undefined ? null : (
        <Button
          size="xs"
          variant="subtle"
          onClick={() => {
            window.dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <ActionIcon size="xs" aria-label="Dismiss" onClick={() => window.dismiss(id)}>
        <IconX size={14} />
      </ActionIcon>
    </div>
  );
}
