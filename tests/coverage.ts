import v8 from '@vitest/coverage-v8';

/**
 * The coverage of V8, but not of the suites that drive windows: the engine's own suites see what it does there, and counting makes its hot loops three times
 * as slow. Vitest's coverage is one for all its projects; their environment tells them apart.
 */
export default process.env['WITHOUT_COVERAGE'] === undefined ? v8 : { getProvider: () => v8.getProvider() };
