import { Button, Textarea, UnstyledButton } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import type { ConnectionKind } from '../../../engine/spec/connection-fields.ts';
import { DESTINATION_KINDS, SOURCE_KINDS } from '../../../engine/spec/connection-kinds.ts';
import { type ParsedConnection, parseConnection } from '../../../engine/spec/parse-connection.ts';
import { Notice } from '../../ui/notice.tsx';
import classes from './connections-screen.module.css';
import { KindIcon } from './kind-icon.tsx';

export interface NewConnectionProps {
  onKind(kind: ConnectionKind): void;
  onParsed(parsed: ParsedConnection): void;
  /** Undefined where there is nothing to go back to. */
  onCancel: (() => void) | undefined;
}

/** The choice of a kind, or a text from which all of it is read. */
export function NewConnection({ onKind, onParsed, onCancel }: NewConnectionProps) {
  const [unknown, setUnknown] = useState(false);
  const text = useRef<HTMLTextAreaElement>(null);

  function read(pasted: string): boolean {
    const parsed = parseConnection(pasted);
    setUnknown(parsed === null && pasted.trim() !== '');
    if (parsed === null) return false;
    // The text may hold a password: it does not stay on the page.
    if (text.current !== null) text.current.value = '';
    onParsed(parsed);
    return true;
  }

  return (
    <div className={`${classes.new} scroll`}>
      <div className={classes.newInner}>
        <header className={classes.newHead}>
          <div className="grow">
            <h1>New connection</h1>
            <p className="dim">Paste what you have, or choose a kind and fill in the form.</p>
          </div>
          {onCancel === undefined ? null : (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          )}
        </header>
        <section aria-label="Paste a connection">
          <Textarea
            ref={text}
            label="Paste a URL, a JDBC, ODBC or ADO.NET string, or a cURL command"
            description="Passwords and tokens in it are recognised, masked, and go to the keychain when you save"
            placeholder={
              'postgresql://user:password@host/database\ncurl -H "Authorization: Bearer …" https://api.example.com/v2/orders'
            }
            rows={3}
            spellCheck={false}
            autoComplete="off"
            className={classes.pasteArea ?? ''}
            onPaste={(event) => {
              if (read(event.clipboardData.getData('text'))) event.preventDefault();
            }}
          />
          <div className={classes.pasteBar}>
            <Button
              size="xs"
              variant="default"
              rightSection={<IconArrowRight size={14} />}
              onClick={() => read(text.current?.value ?? '')}
            >
              Read it
            </Button>
          </div>
          {unknown ? (
            <Notice status="warning" title="This is no connection that is known here">
              Known are postgresql://, jdbc:, https://, az://, abfss://, s3:// and gs:// addresses,
              “Server=…;Database=…”, “host=… dbname=…” and “DefaultEndpointsProtocol=…” strings, Oracle’s descriptors
              and “host:1521/service”, and cURL commands. Or choose a kind below.
            </Notice>
          ) : null}
        </section>
        <Kinds title="Sources" note="What jobs read from" kinds={SOURCE_KINDS} onKind={onKind} />
        <Kinds title="Destinations" note="Where runs load into" kinds={DESTINATION_KINDS} onKind={onKind} />
      </div>
    </div>
  );
}

function Kinds(props: {
  title: string;
  note: string;
  kinds: readonly ConnectionKind[];
  onKind(kind: ConnectionKind): void;
}) {
  return (
    <section aria-label={props.title}>
      <h2>
        {props.title} <span className={classes.newNote}>{props.note}</span>
      </h2>
      <ul className={classes.kinds}>
        {props.kinds.map((kind) => (
          <li key={kind.type}>
            <UnstyledButton className={classes.kind} onClick={() => props.onKind(kind)}>
              <KindIcon type={kind.type} />
              <span className={classes.itemText}>
                <span className="medium">{kind.label}</span>
                <span className="small dim">{kind.about}</span>
              </span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </section>
  );
}
