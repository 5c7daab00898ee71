import { Button, Loader, TextInput, UnstyledButton } from '@mantine/core';
import { IconArrowUp, IconFolder, IconTable } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { Output } from '../../engine/contract.ts';
import { shownError } from '../actions/project-commands.ts';
import { call, isCancelled } from '../client.ts';
import type { ShownError } from '../stores/window-store.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import classes from './dialogs.module.css';

type Listing = Output<'folder.list'>;

/** Folders of this computer, where the host has no dialog of its own. */
export function FolderDialog({
  answer,
  projectsOnly,
}: {
  answer(directory: string | null): void;
  projectsOnly: boolean;
}) {
  const [asked, setAsked] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  const [listing, setListing] = useState<Listing | null>(null);
  const [error, setError] = useState<ShownError | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    call('folder.list', { directory: asked }, { signal: controller.signal })
      .then((found) => {
        setListing(found);
        setTyped(found.directory);
        setError(null);
      })
      .catch((thrown: unknown) => {
        if (!isCancelled(thrown)) setError(shownError(thrown));
      });
    return () => controller.abort();
  }, [asked]);
  return (
    <div className={classes['column']}>
      <TextInput
        label="Folder"
        value={typed}
        data-autofocus
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') setAsked(typed);
        }}
      />
      {error === null ? null : <ErrorCard title="This folder cannot be shown" error={error} />}
      <div className={`${classes['folders']} scroll`}>
        {listing === null && error === null ? <Loader size="sm" m={12} aria-label="Loading" /> : null}
        {listing?.parent == null ? null : (
          <UnstyledButton className={classes['folder']} onClick={() => setAsked(listing.parent)}>
            <IconArrowUp size={16} aria-hidden /> Up
          </UnstyledButton>
        )}
        {listing?.folders.map(({ name, is_project }) => (
          <UnstyledButton
            key={name}
            className={classes['folder']}
            data-project={is_project || undefined}
            onClick={() => {
              const directory = childOf(listing.directory, name);
              if (is_project && projectsOnly) answer(directory);
              else setAsked(directory);
            }}
          >
            {is_project ? <IconTable size={16} aria-hidden /> : <IconFolder size={16} aria-hidden />}
            <span className="truncate">{name}</span>
            {is_project ? <span className="faint small">project</span> : null}
          </UnstyledButton>
        ))}
      </div>
      <div className={classes['actions']}>
        <span className="grow" />
        <Button variant="default" onClick={() => answer(null)}>
          Cancel
        </Button>
        <Button disabled={typed.trim() === ''} onClick={() => answer(typed.trim())}>
          {projectsOnly ? 'Open' : 'Choose'}
        </Button>
      </div>
    </div>
  );
}

/** Folders of the engine's computer, in its own spelling. */
export function childOf(directory: string, name: string): string {
  const separator = directory.includes('\\') ? '\\' : '/';
  return directory.endsWith(separator) ? `${directory}${name}` : `${directory}${separator}${name}`;
}
