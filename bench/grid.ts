import type { Page } from 'playwright-core';
import { serveGridPage } from '../tests/grid/open-grid-page.ts';
import type {} from '../tests/grid/test-grid.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, percentile } from './median.ts';
import { type ManyJobs, measureWindow, openManyJobs } from './window.ts';

/** One frame of 60 Hz, and two. */
const FRAME_MS = 16;
const TWO_FRAMES_MS = 33;
const PASTE_TARGET_MS = 500;
const PASTE_ROWS = 5000;
const PASTE_COLUMNS = 10;
const CHANGES = 100;

const KEYS = [
  ...Array<string>(40).fill('ArrowDown'),
  ...Array<string>(20).fill('ArrowRight'),
  ...Array<string>(20).fill('Shift+ArrowDown'),
  ...Array<string>(20).fill('ArrowLeft'),
  ...Array<string>(10).fill('PageDown'),
  ...Array<string>(10).fill('Control+ArrowDown'),
  ...Array<string>(10).fill('Control+ArrowUp'),
];

/**
 * The jobs of a large project in the application's own page: what a key, a frame of scrolling, a large paste and the checks of one change cost; then the
 * window around it, see {@link measureWindow}. A key counts from the event's own time until its frame was handed to the compositor (a message posted behind
 * requestAnimationFrame); a frame of scrolling from one requestAnimationFrame to the next while the wheel turns.
 */
export async function bench({ rows = 10_000, rounds = 3 }: BenchOptions): Promise<Measurement[]> {
  await using project = await openManyJobs(rows);
  const keys: number[] = [];
  const typing: number[] = [];
  const own: number[] = [];
  const frames: number[] = [];
  const sideways: number[] = [];
  let columns = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { page, context } = await project.grid();
    columns = Number(await page.getByRole('grid').getAttribute('aria-colcount')) - 1;
    await page.locator('[aria-rowindex="4"] [data-column=load_type]').click();
    const moved = await keyToPaint(page, KEYS);
    keys.push(...moved.paint);
    own.push(...moved.own);
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('End');
    typing.push(...(await keyToPaint(page, [...'a sentence that somebody types'])).paint);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Home');
    frames.push(...(await scroll(page, 0, 240)));
    sideways.push(...(await scroll(page, 120, 0)));
    await context.close();
  }
  const changes = await judgedChanges(rows);
  const pastes = await pasted(project, rounds);
  const at = `${rows.toLocaleString('en-US')} × ${columns}`;
  const measured = (what: string, value: number, limit: number): Measurement => ({
    what,
    value,
    unit: 'ms',
    target: `at most ${limit} ms`,
    met: value <= limit,
  });
  return [
    measured(`${at}: key to paint, median of ${keys.length}`, median(keys), FRAME_MS),
    measured(`${at}: key to paint, p95`, percentile(keys, 0.95), TWO_FRAMES_MS),
    { what: 'processor time of the page a key, median', value: median(own), unit: 'ms' },
    { what: 'processor time of the page a key, p95', value: percentile(own, 0.95), unit: 'ms' },
    measured(`typed character to paint, p95 of ${typing.length}`, percentile(typing, 0.95), TWO_FRAMES_MS),
    measured(`frame of scrolling down, p95 of ${frames.length}`, percentile(frames, 0.95), TWO_FRAMES_MS),
    measured(`frame of scrolling sideways, p95 of ${sideways.length}`, percentile(sideways, 0.95), TWO_FRAMES_MS),
    measured(
      `paste of ${PASTE_ROWS} × ${PASTE_COLUMNS} cells with validation to paint`,
      median(pastes),
      PASTE_TARGET_MS,
    ),
    measured(
      `one cell changed and ${rows.toLocaleString('en-US')} jobs judged again, median of ${changes.length}`,
      median(changes),
      FRAME_MS,
    ),
    { what: 'one cell changed and all jobs judged again, p95', value: percentile(changes, 0.95), unit: 'ms' },
    ...(await measureWindow(project, rounds)),
  ];
}

/** Milliseconds from each key event to its frame; and the processor time of the page's main thread, which other programs on the machine do not stretch. */
async function keyToPaint(page: Page, keys: readonly string[]): Promise<{ paint: number[]; own: number[] }> {
  await page.evaluate(() => {
    const seen: number[] = [];
    Object.assign(window, { seen });
    const listen = (event: KeyboardEvent) => {
      if (['Control', 'Shift', 'Alt', 'Meta'].includes(event.key)) return;
      const start = event.timeStamp;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => seen.push(performance.now() - start);
        port2.postMessage(null);
      });
    };
    window.addEventListener('keydown', listen, true);
    Object.assign(window, { stopListening: () => window.removeEventListener('keydown', listen, true) });
  });
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => {
    const { metrics } = await client.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000;
  };
  const own: number[] = [];
  for (const [index, key] of keys.entries()) {
    // At any time between two frames, as keys come: those of this loop would else come just behind one and wait for a whole one.
    await page.waitForTimeout(((index * 7) % 17) + 1);
    const before = await busy();
    await page.keyboard.press(key);
    // The next key comes when this one is seen: nobody types into a queue.
    await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen))));
    own.push((await busy()) - before);
  }
  const paint = await page.evaluate(() => {
    const { seen, stopListening } = window as unknown as { seen: number[]; stopListening(): void };
    stopListening();
    return seen;
  });
  return { paint, own };
}

/** Milliseconds between frames while the wheel turns sixty times. */
async function scroll(page: Page, across: number, down: number): Promise<number[]> {
  await page.mouse.move(700, 450);
  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    let going = true;
    const frame = (now: number) => {
      frames.push(now - last);
      last = now;
      if (going) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    Object.assign(window, {
      stopFrames: () => {
        going = false;
        return frames.slice(1);
      },
    });
  });
  for (let turn = 0; turn < 60; turn += 1) {
    await page.mouse.wheel(across, down);
    await page.waitForTimeout(16);
  }
  return await page.evaluate(() => (window as unknown as { stopFrames(): number[] }).stopFrames());
}

/** Milliseconds of each change of one cell with the checks of all jobs, in Chromium through the application's store. */
async function judgedChanges(rows: number): Promise<number[]> {
  await using pages = await serveGridPage();
  const { page } = await pages.open();
  return await page.evaluate(([jobs, count]) => window.measureChanges(jobs, count), [rows, CHANGES] as const);
}

/** Milliseconds from the paste event to the frame that shows what is wrong in the pasted cells: every row is judged by then. Undone in between. */
async function pasted(project: ManyJobs, rounds: number): Promise<number[]> {
  const { page, context } = await project.grid();
  const spent: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const block = Array.from({ length: PASTE_ROWS }, (_, row) =>
      Array.from({ length: PASTE_COLUMNS }, (_, column) => (column === 0 ? `pasted_${round}_${row}` : 'x')).join('\t'),
    ).join('\r\n');
    await page.locator('[aria-rowindex="3"] [data-column=table_name]').click();
    await page.evaluate((text) => navigator.clipboard.writeText(`${text}\r\n`), block);
    await page.evaluate(() => {
      Object.assign(window, {
        pasted: new Promise<number>((resolve) => {
          window.addEventListener(
            'paste',
            ({ timeStamp }) => {
              const look = () => {
                const judged = document.querySelector(
                  '[aria-rowindex="3"] [data-column=load_type][data-severity=error]',
                );
                if (judged === null) requestAnimationFrame(look);
                else setTimeout(() => resolve(performance.now() - timeStamp), 0);
              };
              requestAnimationFrame(look);
            },
            { capture: true, once: true },
          );
        }),
      });
    });
    await page.keyboard.press('Control+v');
    spent.push(await page.evaluate(() => (window as unknown as { pasted: Promise<number> }).pasted));
    const shown = await page.locator('[aria-rowindex="3"] [data-column=table_name]').textContent();
    if (!shown?.includes(`pasted_${round}_0`)) throw new Error(`The paste shows ${shown}: the benchmark is wrong.`);
    await page.keyboard.press('Control+z');
    await page.locator('[aria-rowindex="3"] [data-column=load_type]:not([data-severity])').waitFor();
  }
  await context.close();
  return spent;
}
