import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These mostly wait, for other processes or for seconds to pass. */
const WAITING = /\.integration\.test\.ts$|\/contract\.test\.ts$/;

/** Starts tests that wait first, so that others compute meanwhile, and none of them is the last one running. */
export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const waits = ({ moduleId }: TestSpecification) => WAITING.test(moduleId);
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))];
  }
}
