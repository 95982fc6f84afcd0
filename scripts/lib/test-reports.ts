/** Reads the reports of the test runners into one form. A suite that ran nothing has failed. */
import { stripVTControlCharacters } from 'node:util';

export interface Skipped {
  name: string;
  reason: string;
}

export interface Suite {
  name: string;
  passed: number;
  failed: number;
  /** Names of what failed, with the first line of why. */
  failures: string[];
  skipped: Skipped[];
}

interface VitestReport {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
  }[];
}

/**
 * @param report vitest's JSON report; null when it wrote none
 * @param exitCode of vitest
 */
export function vitestSuite(report: unknown, exitCode: number): Suite {
  const suite = emptySuite('unit');
  for (const file of (report as VitestReport | null)?.testResults ?? []) {
    // A file that cannot be loaded has no tests to count.
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) {
      fail(suite, file.name, file.message);
    }
    for (const { fullName, status, failureMessages } of file.assertionResults) {
      if (status === 'passed') suite.passed++;
      else if (status === 'failed') fail(suite, fullName, failureMessages?.[0]);
      else suite.skipped.push({ name: fullName, reason: status });
    }
  }
  return finish(suite, exitCode);
}

interface PlaywrightSuite {
  title: string;
  suites?: PlaywrightSuite[];
  specs?: { title: string; tests: PlaywrightTest[] }[];
}

interface PlaywrightTest {
  projectName: string;
  status: 'expected' | 'unexpected' | 'flaky' | 'skipped';
  annotations: { type: string; description?: string }[];
  /** One of each try. */
  results?: { error?: { message?: string } }[];
}

/**
 * @param report Playwright's JSON report; null when it wrote none
 * @param exitCode of Playwright
 */
export function playwrightSuite(report: unknown, exitCode: number): Suite {
  const suite = emptySuite('end-to-end');
  const { suites = [], errors = [] } = (report ?? {}) as { suites?: PlaywrightSuite[]; errors?: { message: string }[] };
  for (const error of errors) fail(suite, 'outside of the tests', error.message);
  const visit = (node: PlaywrightSuite, path: string[]) => {
    for (const spec of node.specs ?? []) {
      for (const test of spec.tests) {
        const name = [`[${test.projectName}]`, ...path, spec.title].join(' › ');
        if (test.status === 'expected') suite.passed++;
        else if (test.status === 'skipped') {
          const reason = test.annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description;
          suite.skipped.push({ name, reason: reason ?? 'did not run' });
        } else fail(suite, name, test.results?.find(({ error }) => error)?.error?.message);
      }
    }
    for (const child of node.suites ?? []) visit(child, [...path, child.title]);
  };
  for (const file of suites) visit(file, [file.title]);
  return finish(suite, exitCode);
}

function emptySuite(name: string): Suite {
  return { name, passed: 0, failed: 0, failures: [], skipped: [] };
}

function fail(suite: Suite, name: string, message = ''): void {
  const why = stripVTControlCharacters(message).split('\n')[0];
  suite.failed++;
  suite.failures.push(why === '' ? name : `${name}: ${why}`);
}

function finish(suite: Suite, exitCode: number): Suite {
  if (suite.passed + suite.failed === 0) fail(suite, 'no test ran');
  // For example an error after the last test, which no single test reports.
  if (exitCode !== 0 && suite.failed === 0) fail(suite, `the test runner ended with code ${exitCode}`);
  return suite;
}
