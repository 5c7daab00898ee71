import { Button, Collapse } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import type { ShownError } from '../stores/window-store.ts';
import classes from './error-card.module.css';
import { StatusIcon } from './status-icon.tsx';

/** The whole of an error, for a message to somebody. */
export function errorText(title: string, { code, message, hint, detail }: ShownError): string {
  return [title, `${code}: ${message}`, hint === null ? null : `What to try: ${hint}`, detail]
    .filter((line) => line !== null)
    .join('\n');
}

/** An error: what happened, what to try, the whole of it for those who want to see it, and a way to copy it. */
export function ErrorCard({ title, error, actions }: { title: string; error: ShownError; actions?: ReactNode }) {
  const [open, setOpen] = useState(false);
  const [copied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(errorText(title, error));
    setCopied(true);
  }
  return (
    <div className={classes['card']} role="alert">
      <StatusIcon status="error" size={16} />
      <div className={classes['body']}>
        <strong className={classes['title']}>{title}</strong>
        <p className={classes['message']}>{error.message}</p>
        {error.hint === null ? null : (
          <p className={classes['hint']}>
            <span className="medium">What to try:</span> {error.hint}
          </p>
        )}
        <div className={classes['actions']}>
          {actions}
          <Button size="xs" variant="subtle" data-quiet onClick={() => void copy()}>
            {copied ? 'Copied' : 'Copy'}
          </Button>
          {error.detail === null ? null : (
            <Button
              size="xs"
              variant="subtle"
              data-quiet
              aria-expanded={open}
              leftSection={open ? <IconChevronDown size={12} /> : <IconChevronRight size={12} />}
              onClick={() => setOpen(!open)}
            >
              Detail
            </Button>
          )}
          <span className="grow" />
          <code className={`${classes['code']} mono`}>{error.code}</code>
        </div>
        {error.detail === null ? null : (
          <Collapse expanded={open}>
            {/* biome-ignore lint/a11y: what scrolls must be reachable by keyboard */}
            <pre className={`${classes['detail']} mono scroll`} tabIndex={0} role="group" aria-label="Detail">
              {error.detail}
            </pre>
          </Collapse>
        )}
      </div>
    </div>
  );
}
