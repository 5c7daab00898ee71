/** The engine's own process (Electron's utility process): a heavy job, or a crash of DuckDB, reaches neither the window nor the main process. */
import { createSecretStore } from '../engine/secrets/secret-store.ts';
import { createEngineService, type EngineService } from '../engine/service/engine-service.ts';
import { applyNetworkSettings, readSettings } from '../engine/service/settings.ts';
import { userDataDirectory } from '../engine/user-data/user-data.ts';
import { openEngineLog } from './engine-log.ts';
import type { FromEngine, ToEngine } from './engine-messages.ts';

const port = process.parentPort;
const tell = (message: FromEngine) => port.postMessage(message);
let service: EngineService | undefined;

port.on('message', ({ data }: { data: ToEngine }) => {
  switch (data.kind) {
    case 'start': {
      const { documentsDirectory, sampleDirectory, version, openAtStart } = data;
      const directory = userDataDirectory();
      const log = openEngineLog(directory);
      log.note(`version ${version} started, process ${process.pid}`);
      process.on('uncaughtExceptionMonitor', log.crash);
      service = createEngineService({
        emit: (name, event) => tell({ kind: 'event', name, data: event }),
        userDataDirectory: directory,
        documentsDirectory,
        sampleDirectory,
        secretStore: createSecretStore({ directory }),
        version,
        host: 'desktop',
        openAtStart,
      });
      // Settings that cannot be read are told by the call that asks for them.
      void readSettings({ userDataDirectory: directory })
        .then(applyNetworkSettings)
        .catch(() => undefined);
      break;
    }
    case 'call': {
      const { client, id, name, input } = data;
      void service?.dispatch(id, name, input, client).then((reply) => tell({ kind: 'reply', client, id, reply }));
      break;
    }
    case 'cancel':
      service?.cancel(data.id, data.client);
      break;
    case 'close-client':
      void service?.closeClient(data.client);
      break;
    default:
      data satisfies never;
  }
});
