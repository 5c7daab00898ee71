import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { readBody } from './json-body.ts';

export interface BodyEditorProps {
  /** The body as the job has it, the draft's if there is one. */
  stored: unknown;
  /** Null: no body. Called with JSON objects only. */
  onBody(body: Record<string, unknown> | null): void;
}

/** The JSON body of a POST. A text that is no JSON object stays in its field and is explained; what was one before is sent meanwhile. */
export function BodyEditor({ stored, onBody }: BodyEditorProps) {
  // What is typed counts for the body that it was typed for: taking back and applying replace it.
  const [typed, setTyped] = useState<{ text: string; of: string } | null>(null);
  const kept = typed !== null && typed.of === keyOf(stored);
  const text = kept ? typed.text : bodyText(stored);
  const read = readBody(text);
  function take(value: string): void {
    const next = readBody(value);
    setTyped({ text: value, of: keyOf('body' in next ? next.body : stored) });
    if ('body' in next) onBody(next.body);
  }
  return (
    <Textarea
      label="Body"
      description={
        'body' in read && read.body !== null ? (
          <Button size="compact-xs" variant="subtle" onClick={() => take(bodyText(read.body))}>
            Format
          </Button>
        ) : null
      }
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      classNames={{ input: 'mono' }}
      placeholder="{}"
      autosize
      minRows={4}
      maxRows={16}
      spellCheck={false}
      value={text}
      error={'problem' in read ? `${read.problem}; the last body that was right is sent` : undefined}
      onChange={({ currentTarget: { value } }) => take(value)}
    />
  );
}

function bodyText(stored: unknown): string {
  return stored === undefined || stored === null ? '' : JSON.stringify(stored, null, 2);
}

function keyOf(body: unknown): string {
  return JSON.stringify(body ?? null);
}
