/** Converts the reports of the test runners to one form. A suite that ran nothing has failed. */
import { stripVTControlCharacters } from 'node:util';

export interface Skipped {
  name: string;
  reason: string;
}

export interface Suite {
  name: string;
  passed: number;
  failed: number;
  /** Names of failed tests, with the first line of the error. */
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

/** One run of a test runner; a suite may be split into several runs, some of which may have nothing to do. */
export interface Phase {
  /** The runner's JSON report; null when it wrote none. */
  report: unknown;
  exitCode: number;
}

/** The sum of vitest's runs. */
export function vitestSuite(...phases: Phase[]): Suite {
  return sumOf('unit', phases, readVitest);
}

/** The sum of Playwright's runs. */
export function playwrightSuite(...phases: Phase[]): Suite {
  return sumOf('end-to-end', phases, readPlaywright);
}

function sumOf(name: string, phases: Phase[], read: (report: unknown, suite: Suite) => void): Suite {
  const suite: Suite = { name, passed: 0, failed: 0, failures: [], skipped: [] };
  for (const { report, exitCode } of phases) {
    const before = suite.failed;
    read(report, suite);
    // For example an error after the last test, which no test reports.
    if (exitCode !== 0 && suite.failed === before) {
      fail(suite, `the test runner exited with code ${exitCode}`);
    }
  }
  if (suite.passed + suite.failed === 0) fail(suite, 'no test ran');
  return suite;
}

function readVitest(report: unknown, suite: Suite): void {
  for (const file of (report as VitestReport | null)?.testResults ?? []) {
    // A file that cannot be loaded has no tests.
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) {
      fail(suite, file.name, file.message);
    }
    for (const { fullName, status, failureMessages } of file.assertionResults) {
      if (status === 'passed') suite.passed++;
      else if (status === 'failed') fail(suite, fullName, failureMessages?.[0]);
      else suite.skipped.push({ name: fullName, reason: status });
    }
  }
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
  /** One per attempt. */
  results?: { error?: { message?: string } }[];
}

function readPlaywright(report: unknown, suite: Suite): void {
  const { suites = [], errors = [] } = (report ?? {}) as { suites?: PlaywrightSuite[]; errors?: { message: string }[] };
  for (const error of errors) fail(suite, 'outside the tests', error.message);
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
}

function fail(suite: Suite, name: string, message = ''): void {
  const why = stripVTControlCharacters(message).split('\n')[0];
  suite.failed++;
  suite.failures.push(why === '' ? name : `${name}: ${why}`);
}
