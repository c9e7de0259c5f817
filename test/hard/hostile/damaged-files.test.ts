/**
 * Files from elsewhere with damage in them: each is read, or refused with a reason, see test/support/hostile/form.ts. The short
 * form draws the same files every time; the long form draws others, in processes that are watched (watched-attack.ts).
 */
import { attack, corpusOf, isRead, readOriginals } from "../../support/hostile/form.ts";
import { hostileForms } from "../../support/hostile/forms.ts";
import { attackWatched } from "../../support/hostile/watched-attack.ts";
import { rounds } from "../../support/long-form.ts";

const files = rounds({ short: 20, long: 100_000 });
const isLong = files > 20;
const seed = isLong ? Number(process.env["TEST_SEED"] ?? Date.now() % 2 ** 31) : 21;

const forms = await hostileForms();

describe(`files from elsewhere, damaged by seed ${seed}`, () => {
  for (const form of forms) {
    it(`are read or refused with a reason: ${form.name}`, async function () {
      this.timeout(0);
      await readOriginals(form);
      for (const [name, bytes] of corpusOf(form)) {
        await isRead(form, bytes).catch((cause: unknown) => {
          throw new Error(`test/fixtures/hostile/${form.name}/${name} is not read as it should be`, { cause });
        });
      }
      if (isLong) await attackWatched(form.name, { seed, files });
      else await attack(form, { seed, files });
    });
  }
});
