import { describe, expect, test } from 'vitest';
import { playwrightSuite, vitestSuite } from './lib/test-reports.ts';

describe('sums of the test runners', () => {
  test('a runner that ran nothing has failed', () => {
    expect(vitestSuite({ report: null, exitCode: 0 })).toMatchObject({
      passed: 0,
      failed: 1,
      failures: ['no test ran'],
    });
    expect(playwrightSuite({ report: { suites: [] }, exitCode: 0 })).toMatchObject({ passed: 0, failed: 1 });
  });

  test('an exit code without a failed test counts as a failure', () => {
    const report = {
      testResults: [
        { name: 'a', status: 'passed', message: '', assertionResults: [{ fullName: 'a', status: 'passed' }] },
      ],
    };
    expect(vitestSuite({ report, exitCode: 0 })).toMatchObject({ passed: 1, failed: 0 });
    expect(vitestSuite({ report, exitCode: 1 })).toMatchObject({ passed: 1, failed: 1 });
  });

  test('vitest: passed, failed, skipped, and files that do not load', () => {
    const report = {
      testResults: [
        {
          name: 'a',
          status: 'failed',
          message: '',
          assertionResults: [
            { fullName: 'one', status: 'passed' },
            { fullName: 'two', status: 'failed', failureMessages: ['Error: 1 is not 2\nstack'] },
            { fullName: 'three', status: 'pending' },
          ],
        },
        { name: 'b', status: 'failed', message: 'cannot load\nstack', assertionResults: [] },
      ],
    };
    expect(vitestSuite({ report, exitCode: 1 })).toEqual({
      name: 'unit',
      passed: 1,
      failed: 2,
      failures: ['two: Error: 1 is not 2', 'b: cannot load'],
      skipped: [{ name: 'three', reason: 'pending' }],
    });
  });

  test('Playwright: nested suites, projects, reasons, errors outside of tests', () => {
    const spec = (status: string, annotations: object[] = [], results: object[] = []) => ({
      title: status,
      tests: [{ projectName: 'web', status, annotations, results }],
    });
    const report = {
      errors: [{ message: 'set-up failed\nstack' }],
      suites: [
        {
          title: 'a.spec.ts',
          specs: [spec('expected')],
          suites: [
            {
              title: 'group',
              specs: [
                spec('unexpected'),
                spec('flaky', [], [{ error: { message: '\u001b[31mtoo late\u001b[39m\nstack' } }, {}]),
                spec('skipped', [{ type: 'skip', description: 'no display' }]),
              ],
            },
          ],
        },
      ],
    };
    const suite = playwrightSuite({ report, exitCode: 1 });
    expect(suite).toMatchObject({ passed: 1, failed: 3 });
    expect(suite.failures).toContain('[web] › a.spec.ts › group › flaky: too late');
    expect(suite.failures).toContain('outside the tests: set-up failed');
    expect(suite.skipped).toEqual([{ name: '[web] › a.spec.ts › group › skipped', reason: 'no display' }]);
  });

  test('a suite in two runs: their sum, also if one has nothing to do, with the failures of both', () => {
    const ran = (...states: string[]) => ({
      suites: [
        {
          title: 'a.spec.ts',
          specs: states.map((status) => ({
            title: status,
            tests: [{ projectName: 'web', status, annotations: [], results: [] }],
          })),
        },
      ],
    });
    const empty = { report: { suites: [] }, exitCode: 0 };
    const first = { report: ran('expected', 'expected'), exitCode: 0 };
    expect(playwrightSuite(first, empty)).toMatchObject({ passed: 2, failed: 0 });
    expect(playwrightSuite(empty, empty)).toMatchObject({ failures: ['no test ran'] });
    expect(playwrightSuite(first, { report: ran('expected', 'unexpected'), exitCode: 1 })).toMatchObject({
      passed: 3,
      failed: 1,
    });
    // The second run crashed, after the first had a failure of its own.
    const failing = { report: ran('expected', 'unexpected'), exitCode: 1 };
    expect(playwrightSuite(failing, { report: null, exitCode: 1 })).toMatchObject({
      passed: 1,
      failed: 2,
      failures: ['[web] › a.spec.ts › unexpected', 'the test runner exited with code 1'],
    });
  });
});
