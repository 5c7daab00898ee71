import { describe, expect, it } from 'vitest';
import { Mutex } from '../../engine/destinations/mutex.ts';

const never = new AbortController().signal;

describe('Mutex', () => {
  it('runs one task at a time, in order, whatever becomes of them', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    const task = (name: string, fails = false) =>
      mutex.run(never, async () => {
        seen.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} out`);
        if (fails) throw new Error(name);
        return name;
      });
    const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  it('lets a cancelled caller leave the queue, and nobody overtakes', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = mutex.run(never, async () => {
      await gate.promise;
      seen.push('first');
    });
    const controller = new AbortController();
    const second = mutex.run(controller.signal, async () => seen.push('second'));
    const third = mutex.run(never, async () => seen.push('third'));
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(seen).toEqual([]);
    gate.resolve();
    await Promise.all([first, third]);
    expect(seen).toEqual(['first', 'third']);
    await expect(mutex.run(AbortSignal.abort(), async () => 1)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
