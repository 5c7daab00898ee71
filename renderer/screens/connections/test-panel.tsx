import { Button, CopyButton } from '@mantine/core';
import { IconCheck, IconCircleDashed, IconCopy, IconPlayerPlay, IconX } from '@tabler/icons-react';
import type { TestResult, TestStage, TestSummary } from '../../stores/connection-store.ts';
import { CodeView } from '../../ui/code-view.tsx';
import { StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import classes from './connections-screen.module.css';
import {
  failedStage,
  msText,
  STAGE_QUESTIONS,
  STAGE_TIPS,
  STAGES,
  STATUS_OF,
  stageName,
  testDetail,
  verdictText,
  whenText,
} from './test-words.ts';

export interface TestPanelProps {
  result: TestResult | null;
  history: readonly TestSummary[];
  connection: { name: string; label: string; place: string };
  /** There are values that are not saved. */
  unsaved: boolean;
  /** Where its secrets come from, in words. */
  secrets: readonly { label: string; words: string }[];
  onTest(): void;
  onCancel(): void;
}

/** The test of a connection, stage by stage. */
export function TestPanel(props: TestPanelProps) {
  const { result, history, unsaved, onTest, onCancel } = props;
  const running = result?.status === 'running';
  return (
    <section className={classes.test} aria-label="Connection test">
      <div className={classes.testBar}>
        <h2>Connection test</h2>
        {unsaved ? <span className="faint small">on unsaved values</span> : null}
        <span className="grow" />
        {running ? (
          <Button size="xs" variant="default" leftSection={<IconX size={14} />} onClick={onCancel}>
            Cancel
          </Button>
        ) : (
          <Button size="xs" variant="default" leftSection={<IconPlayerPlay size={14} />} onClick={onTest}>
            {result === null ? 'Test' : 'Test again'}
          </Button>
        )}
      </div>
      {/* biome-ignore lint/a11y: what scrolls must be reachable by keyboard */}
      <div className={`${classes.testBody} scroll`} tabIndex={0} role="group" aria-label="Result of the test">
        <p className="sr" role="status">
          {result === null || running ? '' : verdictText(result)}
        </p>
        {result === null ? <Untested /> : <Result {...props} result={result} />}
        {history.length > 0 ? <Earlier history={history} /> : null}
      </div>
    </section>
  );
}

function Untested() {
  return (
    <>
      <p className={classes.lead}>
        Six questions, one after the other; the first that fails says where the trouble is. Works on values that are not
        saved, and can be cancelled.
      </p>
      <ol>
        {STAGES.map((stage, index) => (
          <li
            key={stage}
            className={classes.step}
            data-status="waiting"
            data-last={index === STAGES.length - 1 || undefined}
          >
            <span className={classes.marker}>
              <IconCircleDashed size={16} className={classes.pending ?? ''} aria-hidden="true" />
            </span>
            <div className={`${classes.stepBody} row`}>
              <span className={classes.stepName}>{stageName(stage)}</span>
              <span className={classes.found}>{STAGE_QUESTIONS[stage]}</span>
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

function Result({ result, connection, secrets }: TestPanelProps & { result: TestResult }) {
  const { status, stages } = result;
  const slowest = Math.max(1, ...stages.map(({ durationMs }) => durationMs));

  const failed = failedStage(result);
  // `PostgreSQL 18.4, …`: of APIs the stage tells no server.
  const server = stages.find(({ stage, detail }) => stage === 'login' && /^\D+ \d+\./.test(detail))?.detail;
  const isServerKnown = status === 'passed' && server !== undefined;
  const next =
    status === 'running' ? STAGES.find((stage) => !stages.some((ended) => ended.stage === stage)) : undefined;
  return (
    <>
      <div className={classes.verdict}>
        <StatusWord status={STATUS_OF[status]} size={18}>
          {verdictText(result)}
        </StatusWord>
        <span className="grow" />
        {status === 'running' ? null : (
          <span className="dim small num">
            {msText(result.ms)} · {new Date(result.at).toLocaleTimeString(undefined, { hour12: false })}
          </span>
        )}
      </div>
      {result.error !== null ? <Failure result={result} stage={null} connection={connection} /> : null}
      <ol>
        {STAGES.map((name, index) => {
          const stage = stages.find((ended) => ended.stage === name);
          const state = stage?.status ?? (name === next ? 'running' : 'waiting');
          return (
            <li
              key={name}
              className={classes.step}
              data-status={state}
              data-last={index === STAGES.length - 1 || undefined}
            >
              <span className={classes.marker}>
                <StatusIcon status={STATUS_OF[state]} size={16} />
              </span>
              <div className={classes.stepBody}>
                <div className="row">
                  <span className={classes.stepName}>{stageName(name)}</span>
                  <span className={classes.found} title={stage?.detail}>
                    {stageText(stage, state)}
                  </span>
                  <span className={classes.bar} aria-hidden="true">
                    {stage === undefined || stage.status === 'skipped' ? null : (
                      <i
                        data-status={stage.status}
                        style={{ width: `${Math.max(4, (stage.durationMs / slowest) * 100)}%` }}
                      />
                    )}
                  </span>
                  <span className={classes.ms}>
                    {stage === undefined || stage.status === 'skipped' ? '–' : msText(stage.durationMs)}
                  </span>
                </div>
                {stage !== undefined && stage === failed ? (
                  <Failure result={result} stage={stage} connection={connection} />
                ) : null}
              </div>
            </li>
          );
        })}
      </ol>
      {status === 'cancelled' ? (
        <p className="dim small">Nothing was changed. What had ended before is shown above.</p>
      ) : null}
      {isServerKnown || secrets.length > 0 ? (
        <dl className={classes.facts}>
          {isServerKnown ? (
            <>
              <dt>Server</dt>
              <dd>{server}</dd>
            </>
          ) : null}
          {secrets.map(({ label, words }) => (
            <Fact key={label} label={`${label} from`} words={words} />
          ))}
        </dl>
      ) : null}
    </>
  );
}

function Fact({ label, words }: { label: string; words: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{words}</dd>
    </>
  );
}

function stageText(stage: TestStage | undefined, state: string): string {
  if (state === 'running') return 'Waiting for an answer …';
  if (stage === undefined) return 'Not reached';
  return stage.status === 'failed' ? (stage.error?.code ?? 'Failed') : stage.detail;
}

function Failure({
  result,
  stage,
  connection,
}: {
  result: TestResult;
  stage: TestStage | null;
  connection: TestPanelProps['connection'];
}) {
  const error = stage?.error ?? result.error;
  const detail = testDetail(result, connection);
  const findings = result.error?.findings ?? [];
  const tips = [
    ...(error?.hint ? [error.hint] : []),
    ...findings.map(({ message }) => message),
    ...(stage === null ? [] : STAGE_TIPS[stage.stage]),
  ];
  return (
    <div className={classes.failure}>
      <p className="medium">{error?.message ?? stage?.detail}</p>
      {tips.length > 0 ? (
        <>
          <h3>What to try</h3>
          <ol className={classes.hints}>
            {tips.map((tip) => (
              <li key={tip}>{tip}</li>
            ))}
          </ol>
        </>
      ) : null}
      <CodeView
        text={detail}
        language="text"
        label="detail of the failure"
        wrap
        copy={false}
        className={classes.detailText ?? ''}
      />
      <div className="row">
        <CopyButton value={detail}>
          {({ copied, copy }) => (
            <Button
              size="xs"
              variant="default"
              leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy detail'}
            </Button>
          )}
        </CopyButton>
        <span className="faint small">holds no secret</span>
      </div>
    </div>
  );
}

function Earlier({ history }: { history: readonly TestSummary[] }) {
  return (
    <div className={classes.earlier}>
      <h3>Earlier tests</h3>
      <ul>
        {history.map((summary) => (
          <li key={summary.at}>
            <span className={classes.earlierWhen}>{whenText(summary.at)}</span>
            <StatusWord status={STATUS_OF[summary.status]}>{verdictText(summary)}</StatusWord>
            <span className="grow" />
            <span className="dim num">{msText(summary.ms)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
