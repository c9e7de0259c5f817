/**
 * Commands that are killed before one of their calls that change files, or in the middle of a write, and are then given again:
 * what is there at the end is what an undisturbed command leaves, and nothing besides. The long form kills each command at
 * every such call, the short one a few commands at one that is drawn.
 */
import assert from "node:assert/strict";
import { quickDeeds, slowDeeds } from "../../support/deeds.ts";
import { changingCalls } from "../../support/disturbance.ts";
import { assertWhole, chosenMoments, doAgain, doAsProcess, undisturbed } from "../../support/disturbed-deeds.ts";
import { rounds } from "../../support/long-form.ts";

const all = [...quickDeeds, ...slowDeeds];
/** The short form takes the first. */
const deeds = all.slice(0, rounds({ short: 2, long: all.length }));

describe("a command that is killed at a call that changes files", () => {
  for (const deed of deeds) {
    it(`${deed.name} — leaves, when it is given again, what one leaves that was not killed`, async () => {
      const { fresh, count, whole } = await undisturbed(deed, changingCalls);
      assert.ok(count > 0);
      for (const at of chosenMoments(count, 1)) {
        const folder = fresh();
        const killed = doAsProcess(deed, folder, { calls: changingCalls, at, what: "kill" });
        assert.equal(killed.code, null, `not killed at ${at} of ${count}: ${killed.err}`);
        const again = await doAgain(deed, folder);
        assert.equal(again.code, 0, `killed at ${at} of ${count}: ${again.err}`);
        assertWhole(deed, folder, whole, `killed at ${at} of ${count}`);
      }
    });
  }
});
