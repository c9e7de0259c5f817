/**
 * Reads a link from a report to this page. Behind the #, `run` and `sample` name the image, which the server looks up
 * in the runs given by --runs. The question comes with the link; the run's folder is used in the message for a run that
 * the server does not know. A link only fills in the form and starts nothing.
 */

export interface SampleLink {
  readonly run: string;
  readonly sample: string;
  readonly folder: string;
  /** The question; empty: there is none. */
  readonly question: string;
}

/** null: the hash is not such a link. */
export function readLink(hash: string): SampleLink | null {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const [run, sample] = [words.get("run"), words.get("sample")];
  if (run === null || sample === null || !/^[0-9a-f]{1,64}$/.test(run)) return null;
  return { run, sample, folder: words.get("folder") ?? "", question: words.get("question") ?? "" };
}

/** A message that says what to do where the server does not know the sample. */
export function describeMissing({ sample, folder }: SampleLink, reason: string): string {
  const name =
    folder === "" ? "RUN_FOLDER" : /^[\w./~-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  return `The link is to sample ${sample}${folder === "" ? "" : ` of ${folder}`}, which cannot be shown: ${reason} Start it with the run: npx blip2-bench try --runs ${name}`;
}
