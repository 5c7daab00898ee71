import { IngestError } from '../errors.ts';
import type { HandlerGroup } from './handlers.ts';

const notYet = async (): Promise<never> => {
  throw new IngestError('NOT_YET', 'This is not built yet.');
};

export const resultHandlers: HandlerGroup<
  'result.tables' | 'result.page' | 'result.profile' | 'result.query' | 'result.export'
> = () => ({
  'result.tables': notYet,
  'result.page': notYet,
  'result.profile': notYet,
  'result.query': notYet,
  'result.export': notYet,
});
