import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconDatabaseImport } from '@tabler/icons-react';
import { useMemo } from 'react';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import { useApp, useJobsView, useProject } from '../../app.ts';
import { destinationsOf } from '../../stores/destinations.ts';
import classes from './jobs-toolbar.module.css';

/** Where runs that are started here load into. The project's own choice holds until another is made; a choice ends with the window. */
export function TargetPicker() {
  const { jobsView, window } = useApp();
  const document = useProject((state) => state.document);
  const chosen = useJobsView((state) => state.target);
  const { destinations, usual } = useMemo(
    () => (document === null ? { destinations: [], usual: null } : destinationsOf(document)),
    [document],
  );
  const current = destinations.find(({ name }) => name === (chosen ?? usual)) ?? null;
  const other = current !== null && current.name !== usual;
  const label = (type: string) => connectionKind('destinations', type)?.label ?? type;
  const words = current === null ? 'No destination' : `Into ${current.name}`;
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button
          variant="default"
          data-fold="narrow"
          data-other={other || undefined}
          className={classes['target']}
          leftSection={<IconDatabaseImport size={14} />}
          rightSection={<IconChevronDown size={12} aria-hidden="true" />}
          title={
            current === null
              ? 'Runs have nowhere to load into'
              : `Runs load into ${current.name} (${label(current.type)})`
          }
        >
          <span className="truncate">{words}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Runs load into</Menu.Label>
        <Menu.RadioGroup
          value={current?.name ?? null}
          onChange={(name) => jobsView.setState({ target: name === usual ? null : name })}
        >
          {destinations.map(({ name, type }) => (
            <Menu.RadioItem key={name} value={name} closeMenuOnClick>
              {name}{' '}
              <span className="dim small">{name === usual ? `${label(type)}, as the project says` : label(type)}</span>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item
          onClick={() => window.go('connections', current === null ? 'choose' : `destinations.${current.name}`)}
        >
          {current === null ? 'New destination …' : 'Open the destination …'}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
