import { Button, Modal, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';

/** Asks for a file by its path, where the host has no dialogs of its own. */
export function FileDialog({
  title,
  label,
  button,
  file,
  onAnswer,
}: {
  title: string;
  label: string;
  button: string;
  /** Proposed path. */
  file: string;
  onAnswer(file: string | null): void;
}) {
  const [path, setPath] = useState(file);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (path.trim() !== '') onAnswer(path.trim());
  }
  return (
    <Modal opened onClose={() => onAnswer(null)} title={title} size={520}>
      <form onSubmit={submit} style={{ display: 'flex', flexDirection: 'column', gap: 12 }}>
        <TextInput
          label={label}
          classNames={{ input: 'mono' }}
          data-autofocus
          value={path}
          onChange={({ currentTarget: { value } }) => setPath(value)}
        />
        <div style={{ display: 'flex', justifyContent: 'flex-end', gap: 8 }}>
          <Button variant="default" onClick={() => onAnswer(null)}>
            Cancel
          </Button>
          <Button type="submit">{button}</Button>
        </div>
      </form>
    </Modal>
  );
}
