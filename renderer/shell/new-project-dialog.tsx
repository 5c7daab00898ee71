import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../app.ts';
import classes from './dialogs.module.css';
import { childOf } from './folder-dialog.tsx';

/** A name, then a place: the project is a new folder of that name. */
export function NewProjectDialog() {
  const { window, commands } = useApp();
  const [name, setName] = useState('');
  const usable = /^[^\\/:*?"<>|]+$/.test(name.trim());
  async function create(): Promise<void> {
    const wanted = name.trim();
    window.show(null);
    const parent = await commands.pickFolder(`Where shall “${wanted}” be?`, false);
    if (parent !== null) await commands.create(childOf(parent, wanted), wanted);
  }
  return (
    <form
      className={classes['column']}
      onSubmit={(event) => {
        event.preventDefault();
        if (usable) void create();
      }}
    >
      <TextInput
        label="Name"
        data-autofocus
        value={name}
        placeholder="shop-ingest"
        description="A folder of this name, with an empty workbook and its settings."
        error={name.trim() !== '' && !usable ? 'Leave out \\ / : * ? " < > |' : null}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className={classes['actions']}>
        <span className="grow" />
        <Button variant="default" onClick={() => window.show(null)}>
          Cancel
        </Button>
        <Button type="submit" disabled={!usable}>
          Choose where …
        </Button>
      </div>
    </form>
  );
}
