/**
 * Commands whose disk is full, fails, or gives no more open files, at one of their calls: they end with a named error and a
 * code that says whether something is missing, and leave, when they are given again, what an undisturbed command leaves. The
 * long form does so at every such call of every command, the short one at some that are drawn.
 */
import assert from "node:assert/strict";
import { quickDeeds, slowDeeds } from "../../support/deeds.ts";
import { changingCalls, growingCalls, readingCalls } from "../../support/disturbance.ts";
import { assertWhole, chosenMoments, doAgain, doHere, undisturbedHere } from "../../support/disturbed-deeds.ts";
import type { DeedDisturbance, DeedHere } from "../../support/disturbed-deeds.ts";
import { rounds } from "../../support/long-form.ts";

const deeds = [...quickDeeds, ...slowDeeds].filter((deed): deed is DeedHere => deed.here !== undefined);
const isLong = rounds({ short: 0, long: 1 }) === 1;

interface Fault extends DeedDisturbance {
  readonly name: string;
  /** The commands of the short form. */
  readonly inShort: readonly string[];
}

const faults: readonly Fault[] = [
  {
    name: "whose disk is full from one moment on",
    calls: growingCalls,
    what: "ENOSPC",
    isLasting: true,
    inShort: ["run", "merge"],
  },
  { name: "whose disk fails once", calls: changingCalls, what: "EIO", inShort: ["history add"] },
  { name: "whose disk cannot be read at one place", calls: readingCalls, what: "EIO", inShort: ["merge"] },
  { name: "that may open no more files for a moment", calls: ["open"], what: "EMFILE", inShort: ["history add"] },
];

describe("a command", () => {
  for (const { name: what, inShort, ...fault } of faults) {
    for (const deed of deeds.filter(({ name }) => isLong || inShort.includes(name))) {
      it(`${what}: ${deed.name} — says so, loses nothing, and is whole when it is given again`, async () => {
        const { fresh, count, whole } = await undisturbedHere(deed, fault.calls);
        for (const at of chosenMoments(count, 1)) {
          const when = `${fault.what} at ${at} of ${count}`;
          const folder = fresh();
          const { code, err } = await doHere(deed, folder, { ...fault, at });
          assert.ok(code === 0 || code === 2 || code === 3, `${when}: code ${code}: ${err}`);
          assert.doesNotMatch(err, /\n {4}at |mistake in blip2-bench/, when);
          if (code !== 0) assert.match(err, /^error: [^]*[.?] [A-Z][^]*\.\n$/m, `${when}: what to do: ${err}`);
          const again = await doAgain(deed, folder);
          assert.equal(again.code, 0, `${when}: ${again.err}`);
          assertWhole(deed, folder, whole, when);
        }
      });
    }
  }

  for (const deed of deeds.filter(({ name }) => isLong || name === "merge")) {
    it(`whose system reads and writes half of what is asked: ${deed.name} — leaves what it leaves otherwise`, async () => {
      const { fresh, whole } = await undisturbedHere(deed, readingCalls);
      const folder = fresh();
      const { code, err } = await doHere(deed, folder, { calls: readingCalls, what: "none", isHalved: true });
      assert.equal(code, 0, err);
      assertWhole(deed, folder, whole, "halved");
    });
  }
});
