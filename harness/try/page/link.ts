/**
 * What a link of a report carries, behind the #: `run` and `sample` name the image, which the server looks up in the runs it was
 * started with; the question is carried as well, and the run's folder for the message where the server does not know it.
 * A link fills in and starts nothing.
 */

export interface SampleLink {
  readonly run: string;
  readonly sample: string;
  readonly folder: string;
  /** Empty: none. */
  readonly question: string;
}

/** null: no such link. */
export function readLink(hash: string): SampleLink | null {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const [run, sample] = [words.get("run"), words.get("sample")];
  if (run === null || sample === null || !/^[0-9a-f]{1,64}$/.test(run)) return null;
  return { run, sample, folder: words.get("folder") ?? "", question: words.get("question") ?? "" };
}

/** What to do where the server does not have the sample. */
export function describeMissing({ sample, folder }: SampleLink, reason: string): string {
  const name =
    folder === "" ? "RUN_FOLDER" : /^[\w./~-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  return `The link is to sample ${sample}${folder === "" ? "" : ` of ${folder}`}, which cannot be shown: ${reason} Start it with the run: npx blip2-bench try --runs ${name}`;
}
