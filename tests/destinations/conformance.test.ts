import { describeDestination } from './conformance.ts';
import { KINDS } from './kinds.ts';

for (const kind of KINDS) describeDestination(kind);
