/** The long form of tests that repeat an experiment: `npm run test:hard` and `npm run test:scale` set TEST_FORM. */

/** How often an experiment is made: `short` in every run of the tests, `long` where TEST_FORM is "long". */
export function rounds(form: { readonly short: number; readonly long: number }): number {
  return process.env["TEST_FORM"] === "long" ? form.long : form.short;
}
