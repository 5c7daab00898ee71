import { IngestError } from '../errors.ts';
import type { HandlerGroup } from './handlers.ts';

const notYet = async (): Promise<never> => {
  throw new IngestError('NOT_YET', 'This is not built yet.');
};

export const runHandlers: HandlerGroup<'run.start' | 'run.cancel' | 'run.list' | 'run.get' | 'run.log'> = () => ({
  'run.start': notYet,
  'run.cancel': notYet,
  'run.list': notYet,
  'run.get': notYet,
  'run.log': notYet,
});
