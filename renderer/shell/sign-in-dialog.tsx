import { Button, Modal } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { SignInRequest } from '../../engine/contract.ts';
import { useSettings } from '../app.ts';
import { call, on } from '../client.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import classes from './dialogs.module.css';

const WHAT = { sources: 'connection', destinations: 'destination', key_vault: 'key vault' } as const;

/** What the engine waits for: somebody signs in with the browser. It stands over everything else, for whatever asked for it goes on only then. */
export function SignInDialog() {
  const host = useSettings((state) => state.about?.host);
  const [waiting, setWaiting] = useState<readonly SignInRequest[]>([]);
  useEffect(() => {
    const add = (requests: readonly SignInRequest[]) =>
      setWaiting((known) => [...known, ...requests.filter(({ id }) => known.every((one) => one.id !== id))]);
    const stops = [
      on('sign_in.wanted', (request) => add([request])),
      on('sign_in.ended', ({ id }) => setWaiting((known) => known.filter((one) => one.id !== id))),
      on('engine.restarted', () => setWaiting([])),
    ];
    // One that was asked for before this window listened.
    call('sign_in.waiting')
      .then(add)
      .catch(() => undefined);
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  const request = waiting[0];
  // Its event takes it away; where the engine does not answer, nobody waits any more.
  const cancel = ({ id }: SignInRequest) =>
    void call('sign_in.cancel', { id }).catch(() => setWaiting((known) => known.filter((one) => one.id !== id)));
  return (
    <Modal
      opened={request !== undefined}
      onClose={() => request !== undefined && cancel(request)}
      title={request === undefined ? '' : `Sign in to ${request.service}`}
      size={520}
      closeButtonProps={{ 'aria-label': 'Cancel the sign-in' }}
      closeOnClickOutside={false}
      zIndex={400}
    >
      {request === undefined ? null : (
        <div className={classes['column']}>
          <p>
            {host === 'desktop' ? 'Your browser was opened: sign in there' : 'Open the page, and sign in there'}
            {request.user === null ? null : (
              <>
                {' '}
                as <span className="medium">{request.user}</span>
              </>
            )}{' '}
            for {WHAT[request.section]} <span className="medium">{request.name}</span>. This goes on by itself then.
          </p>
          <p className="dim">
            Until {new Date(request.ends_at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}. The
            password stays between you and {request.service}.
          </p>
          <div className={classes['actions']}>
            <Button
              component="a"
              href={request.address}
              target="_blank"
              rel="noreferrer"
              variant={host === 'desktop' ? 'default' : 'filled'}
              data-autofocus
            >
              {host === 'desktop' ? 'Open it again' : 'Open the sign-in page'}
            </Button>
            <CopyButton text={request.address} label="link" />
            <span className="grow" />
            <Button variant="default" onClick={() => cancel(request)}>
              Cancel
            </Button>
          </div>
        </div>
      )}
    </Modal>
  );
}
