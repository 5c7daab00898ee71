import { expect, test } from 'vitest';
import { configStep, reverseStep, valueChanges } from '../../renderer/stores/config-step.ts';

const DOTS = '••••••••';
const BEFORE = {
  sources: {
    shop: { type: 'postgresql', port: 5432, password: DOTS, auth: { token: DOTS, header: 'X-Key' }, tags: ['a'] },
    other: { host: 'elsewhere' },
  },
};

test('a step holds what changed below its roots and nothing that stands for a secret', () => {
  const after = {
    sources: { shop: { type: 'postgresql', port: 6001, auth: { header: 'X-Key' }, tags: ['a', 'b'] }, other: {} },
  };
  const step = configStep(BEFORE, after, [['sources', 'shop']]);
  expect(step?.changes).toEqual([
    { path: ['sources', 'shop', 'port'], before: 5432, after: 6001 },
    { path: ['sources', 'shop', 'tags'], before: ['a'], after: ['a', 'b'] },
  ]);
  expect(reverseStep(step!).changes[0]).toEqual({ path: ['sources', 'shop', 'port'], before: 6001, after: 5432 });
  expect(configStep(BEFORE, BEFORE, [['sources']])).toBeNull();
});

test('a section that comes or goes is one change', () => {
  const gone = configStep(BEFORE, { sources: { other: { host: 'elsewhere' } } }, [['sources', 'shop']]);
  expect(gone?.changes).toEqual([
    {
      path: ['sources', 'shop'],
      before: { type: 'postgresql', port: 5432, auth: { header: 'X-Key' }, tags: ['a'] },
      after: undefined,
    },
  ]);
  expect(JSON.stringify(gone)).not.toContain(DOTS);
});

test('values go back as the engine takes them: what was added is removed by null, what kind it is never', () => {
  expect(valueChanges({ type: 'api', a: 1, b: 2 }, { type: 'x', b: 3, c: { d: DOTS, e: 1 } })).toEqual({
    a: null,
    b: 3,
    c: { e: 1 },
  });
});
