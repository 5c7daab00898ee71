import { IngestError } from '../errors.ts';
import type { HandlerGroup } from './handlers.ts';

const notYet = async (): Promise<never> => {
  throw new IngestError('NOT_YET', 'This is not built yet.');
};

export const exportHandlers: HandlerGroup<'export.preview' | 'export.write'> = () => ({
  'export.preview': notYet,
  'export.write': notYet,
});
