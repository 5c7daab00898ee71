import { chooseDestination } from '../pipeline/plan-run.ts';
import { QualityHistory } from '../quality/check-history.ts';
import { checkProject } from '../quality/check-project.ts';
import { suggestChecks } from '../quality/suggest.ts';
import { withResults } from '../results/open-results.ts';
import type { HandlerGroup } from './handlers.ts';
import { workDirectoryOf } from './work-directory.ts';

/** Counting the columns of all tables may take so long, in milliseconds. */
const SUGGEST_LIMIT = 300_000;

/** Data quality: checks on demand, what they found over time, and which ones suit what was loaded. */
export const qualityHandlers: HandlerGroup<'quality.run' | 'quality.history' | 'quality.suggest'> = (service) => {
  const histories = new Map<string, QualityHistory>();
  return {
    async 'quality.run'({ directory, env, rows, destination }, { signal }) {
      const scope = destination === null ? 'everything' : { selectors: [], destination };
      const opened = await service.askVault(await service.open(directory, env), env, scope, signal);
      const { document, html } = await checkProject(opened, {
        jobs: null,
        signal,
        workDirectory: await workDirectoryOf(service, opened.directory),
        ...(rows === null ? {} : { rows }),
        ...(destination === null ? {} : { destination }),
      });
      return { document, report_path: html };
    },
    async 'quality.history'({ directory }) {
      const workDirectory = await workDirectoryOf(service, directory);
      const history = histories.get(workDirectory) ?? new QualityHistory();
      histories.set(workDirectory, history);
      return await history.list(workDirectory);
    },
    async 'quality.suggest'({ directory, env, destination }, { signal }) {
      const opened = await service.openKept(directory, env);
      const config = chooseDestination(opened.project, destination ?? undefined);
      const baseDirectory = await workDirectoryOf(service, opened.directory);
      return await withResults(config, { baseDirectory, signal, timeLimit: SUGGEST_LIMIT }, (results) =>
        suggestChecks(results, opened.project.jobs, config.schema),
      );
    },
  };
};
