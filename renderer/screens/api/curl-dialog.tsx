import { Button, Modal, Textarea } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './curl-dialog.module.css';
import { type CurlJob, curlJob } from './curl-job.ts';

/** A cURL command becomes a job: what was understood is shown before anything is added. */
export function CurlDialog({
  connections,
  onAdd,
  onClose,
}: {
  /** base_url of the API connections at hand, by name. */
  connections: Readonly<Record<string, string>>;
  onAdd(found: CurlJob): Promise<void>;
  onClose(): void;
}) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const found = useMemo(() => curlJob(text, connections), [text, connections]);
  async function add(): Promise<void> {
    if (found === null) return;
    setBusy(true);
    setError(null);
    try {
      await onAdd(found);
      onClose();
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  }
  return (
    <Modal opened onClose={onClose} title="Job from a cURL command" size={640}>
      <div className={classes['form']}>
        <Textarea
          label="Command"
          description="From the API's documents or a browser (Copy as cURL): bash, cmd.exe or PowerShell. It is read here and not run."
          placeholder={"curl 'https://api.example.com/v1/orders?limit=100' -H 'Authorization: Bearer …'"}
          classNames={{ input: 'mono' }}
          rows={6}
          data-autofocus
          value={text}
          error={
            text.trim() !== '' && found === null ? 'This is no cURL command with an http or https address.' : undefined
          }
          onChange={({ currentTarget: { value } }) => setText(value)}
        />
        {found === null ? null : <Understood found={found} />}
        {error === null ? null : (
          <p role="alert" className={classes['error']}>
            <StatusIcon status="error" /> {error}
          </p>
        )}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button disabled={found === null} loading={busy} onClick={() => void add()}>
            {found?.connection.isNew === true ? 'Add connection and job' : 'Add job'}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

function Understood({ found: { connection, cells, options, notes } }: { found: CurlJob }) {
  const { params, headers, body, ...others } = options;
  const secrets = Object.keys(connection.secrets);
  const rows: [string, string][] = [
    ['Connection', `${connection.name}${connection.isNew ? ' (new)' : ''}  ${String(connection.values['base_url'])}`],
    ['Job', `${cells['table_name']}  ${cells['api_endpoint']}`],
    ...(cells['auth_type'] === undefined ? [] : [['Sign-in', cells['auth_type']] as [string, string]]),
    ...(cells['pagination_type'] === undefined ? [] : [['Pagination', cells['pagination_type']] as [string, string]]),
    ...(cells['page_size'] === undefined ? [] : [['Page size', cells['page_size']] as [string, string]]),
    ...(params === undefined ? [] : [['Parameters', pairsText(params)] as [string, string]]),
    ...(headers === undefined ? [] : [['Headers', pairsText(headers)] as [string, string]]),
    ...(body === undefined ? [] : [['Body', JSON.stringify(body)] as [string, string]]),
    ...(Object.keys(others).length === 0 ? [] : [['Options', pairsText(others)] as [string, string]]),
  ];
  return (
    <div className={classes['understood']}>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
        {secrets.length === 0 ? null : (
          <div>
            <dt>Secrets</dt>
            <dd className="row">
              <IconKey size={14} aria-hidden />
              <span>
                {secrets.join(', ')} <span className="faint">go to the keychain, never into a file</span>
              </span>
            </dd>
          </div>
        )}
      </dl>
      {notes.map((note) => (
        <p key={note} className="row small">
          <StatusIcon status="warning" /> {note}
        </p>
      ))}
    </div>
  );
}

function pairsText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name}=${typeof one === 'object' ? JSON.stringify(one) : String(one)}`)
    .join('  ');
}
