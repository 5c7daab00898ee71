import { ActionIcon, Button, Kbd, Menu, TextInput, Tooltip } from '@mantine/core';
import {
  IconChevronDown,
  IconClipboardCheck,
  IconColumns3,
  IconFilterOff,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
  IconPlus,
  IconSearch,
  IconX,
} from '@tabler/icons-react';
import { memo, useDeferredValue, useMemo, useState } from 'react';
import { shortcutText } from '../../actions/action.ts';
import { runAction } from '../../actions/actions.ts';
import { useApp, useJobsView, useProject, useRuns, useSettings } from '../../app.ts';
import type { GridColumn } from '../../grid/grid-types.ts';
import { UndoButtons } from '../../shell/undo-buttons.tsx';
import { CHIPS, type Chip } from '../../stores/jobs-view-store.ts';
import { Toolbar, ToolbarDivider } from '../../ui/panel.tsx';
import { chipCounts } from './job-filter.ts';
import classes from './jobs-toolbar.module.css';
import { TargetPicker } from './target-picker.tsx';

const CHIP_LABELS: Readonly<Record<Chip, string>> = {
  issues: 'With issues',
  changed: 'Changed',
  failed: 'Failed last run',
  incremental: 'Incremental',
};

/** What can be done with the jobs, and which of them are shown. */
export function JobsToolbar({
  columns,
  quiet,
  hidden,
}: {
  columns: readonly GridColumn[];
  quiet: readonly string[];
  hidden: readonly string[];
}) {
  const app = useApp();
  return (
    <Toolbar label="Jobs">
      <Search />
      <Chips />
      <span className="grow" />
      <UndoButtons />
      <ColumnsMenu columns={columns} quiet={quiet} hidden={hidden} />
      <PreflightButton />
      <ToolbarDivider />
      <Button
        variant="default"
        data-fold="narrow"
        title="Add job"
        leftSection={<IconPlus size={14} />}
        onClick={() => runAction(app.actions, 'row.add')}
      >
        Add job
      </Button>
      <TargetPicker />
      <RunButton />
    </Toolbar>
  );
}

function Search() {
  const { project, jobsView } = useApp();
  const search = useJobsView((state) => state.search);
  useProject((state) => state.revision);
  const count = project.rowIds('SourceConfig').length.toLocaleString('en');
  return (
    <TextInput
      className={classes['search']}
      aria-label="Search the jobs"
      placeholder={`Search ${count} jobs`}
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        search === '' ? null : (
          <ActionIcon size="xs" aria-label="Clear the search" onClick={() => jobsView.setState({ search: '' })}>
            <IconX size={12} />
          </ActionIcon>
        )
      }
      value={search}
      onChange={(event) => jobsView.setState({ search: event.currentTarget.value })}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          jobsView.setState({ search: '' });
          jobsView.grid()?.focus();
        } else if (event.key === 'Enter' || event.key === 'ArrowDown') {
          event.preventDefault();
          jobsView.grid()?.focus();
        }
      }}
    />
  );
}

function Chips() {
  const app = useApp();
  const chips = useJobsView((state) => state.chips);
  const filters = useJobsView((state) => state.view.filters);
  const sort = useJobsView((state) => state.view.sort);
  const revision = useDeferredValue(useProject((state) => state.validatedRevision));
  const results = useRuns((state) => state.lastResults);
  const unsaved = useProject((state) => state.unsaved);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read from the stores; these say when they are others
  const counts = useMemo(() => chipCounts(app, CHIPS), [app, revision, results, unsaved]);
  const toggle = (chip: Chip) =>
    app.jobsView.setState({ chips: chips.includes(chip) ? chips.filter((one) => one !== chip) : [...chips, chip] });
  const filtered = Object.keys(filters).length > 0 || sort.length > 0;
  return (
    <>
      <div className={classes['chips']}>
        {CHIPS.map((chip) => (
          <button
            key={chip}
            type="button"
            className={classes['chip']}
            aria-pressed={chips.includes(chip)}
            disabled={!chips.includes(chip) && counts[chip] === 0}
            onClick={() => toggle(chip)}
          >
            {CHIP_LABELS[chip]} <span className={classes['count']}>{counts[chip].toLocaleString('en')}</span>
          </button>
        ))}
      </div>
      <Menu position="bottom-start" width={220} closeOnItemClick={false}>
        <Menu.Target>
          <button type="button" className={`${classes['chip']} ${classes['filter']}`} data-on={chips.length > 0}>
            Filter <span className={classes['count']}>{chips.length === 0 ? '' : chips.length}</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {CHIPS.map((chip) => (
            <Menu.CheckboxItem
              key={chip}
              checked={chips.includes(chip)}
              disabled={!chips.includes(chip) && counts[chip] === 0}
              rightSection={<span className={classes['count']}>{counts[chip].toLocaleString('en')}</span>}
              onChange={() => toggle(chip)}
            >
              {CHIP_LABELS[chip]}
            </Menu.CheckboxItem>
          ))}
        </Menu.Dropdown>
      </Menu>
      {filtered ? (
        <Tooltip label="Clear filters and sort">
          <ActionIcon
            aria-label="Clear filters and sort"
            onClick={() => app.jobsView.setState(({ view }) => ({ view: { ...view, filters: {}, sort: [] } }))}
          >
            <IconFilterOff size={16} />
          </ActionIcon>
        </Tooltip>
      ) : null}
    </>
  );
}

function ColumnsMenu({
  columns,
  quiet,
  hidden,
}: {
  columns: readonly GridColumn[];
  quiet: readonly string[];
  hidden: readonly string[];
}) {
  const { jobsView } = useApp();
  const order = useJobsView((state) => state.columnOrder);
  const gone = new Set(hidden);
  function toggle(id: string): void {
    jobsView.setState(({ view, shown }) =>
      quiet.includes(id)
        ? {
            shown: gone.has(id) ? [...shown, id] : shown.filter((other) => other !== id),
            view: { ...view, hidden: view.hidden.filter((other) => other !== id) },
          }
        : {
            view: {
              ...view,
              hidden: gone.has(id) ? view.hidden.filter((other) => other !== id) : [...view.hidden, id],
            },
          },
    );
  }
  const item = ({ id, header }: GridColumn) => (
    <Menu.CheckboxItem key={id} checked={!gone.has(id)} onChange={() => toggle(id)}>
      {header ?? id}
    </Menu.CheckboxItem>
  );
  const here = columns.filter(({ id }) => !quiet.includes(id));
  const others = columns.filter(({ id }) => quiet.includes(id));
  return (
    <Menu position="bottom-end" width={260} closeOnItemClick={false}>
      <Tooltip label="Columns">
        <Menu.Target>
          <ActionIcon aria-label="Columns">
            <IconColumns3 size={16} />
          </ActionIcon>
        </Menu.Target>
      </Tooltip>
      <Menu.Dropdown className={`${classes['columns']} scroll`}>
        <Menu.Label>Order</Menu.Label>
        <Menu.RadioGroup
          value={order}
          onChange={(value) => jobsView.setState({ columnOrder: value === 'groups' ? 'groups' : 'workbook' })}
        >
          <Menu.RadioItem value="groups">In groups</Menu.RadioItem>
          <Menu.RadioItem value="workbook">As in the workbook</Menu.RadioItem>
        </Menu.RadioGroup>
        <Menu.Label>Columns</Menu.Label>
        {here.map(item)}
        {others.length === 0 ? null : <Menu.Label>Blank in all rows, or not in the workbook</Menu.Label>}
        {others.map(item)}
      </Menu.Dropdown>
    </Menu>
  );
}

function PreflightButton() {
  const app = useApp();
  const selected = useJobsView((state) => (state.selection?.rowIds.length ?? 0) > 0);
  return (
    <Tooltip label="Preflight selected: what the next run would read, and whether it would land">
      <ActionIcon
        aria-label="Preflight selected"
        disabled={!selected}
        onClick={() => runAction(app.actions, 'preflight.selected')}
      >
        <IconClipboardCheck size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function RunButton() {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const selected = useJobsView((state) => state.selection?.rowIds.length ?? 0);
  const running = useRuns((state) => state.live?.status === 'RUNNING');
  if (running) {
    return (
      <Button
        variant="default"
        leftSection={<IconPlayerStopFilled size={12} />}
        onClick={() => runAction(app.actions, 'run.cancel')}
      >
        Cancel run
      </Button>
    );
  }
  const what = selected > 1 ? `Run ${selected.toLocaleString('en')} selected` : 'Run selected';
  return (
    <Button.Group>
      <Button
        leftSection={<IconPlayerPlayFilled size={12} />}
        disabled={selected === 0}
        title={`${what} (${shortcutText('Mod+Enter', mac)})`}
        onClick={() => runAction(app.actions, 'run.selected')}
      >
        {what}
      </Button>
      <RunMenu />
    </Button.Group>
  );
}

const WAYS_TO_RUN = ['run.selected', 'run.sample', 'run.all', 'preflight.selected', 'preflight.all'];

/** Drawn apart from the button beside it, which counts the selected rows with each key; what is enabled is asked when it opens. */
const RunMenu = memo(function RunMenu() {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const [opened, setOpened] = useState(false);
  return (
    <Menu position="bottom-end" width={280} opened={opened} onChange={setOpened}>
      <Menu.Target>
        <Button px={6} className={classes['split']} aria-label="Other ways to run">
          <IconChevronDown size={14} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {app.actions
          .filter(({ id }) => WAYS_TO_RUN.includes(id))
          .map((item) => (
            <Menu.Item
              key={item.id}
              disabled={!item.enabled()}
              rightSection={item.shortcuts[0] === undefined ? null : <Kbd>{shortcutText(item.shortcuts[0], mac)}</Kbd>}
              onClick={() => void item.run()}
            >
              {item.label}
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  );
});
