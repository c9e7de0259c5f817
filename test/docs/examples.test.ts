/**
 * The files of examples that no program here can run, for Kubernetes and Docker: their commands are read as ours reads them, their
 * numbers agree, and their fields are fields there are. Those for continuous integration: harness/cli/examples-ci.test.ts.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { commands } from "../../harness/cli/command.ts";
import { parseCommandLine } from "../../harness/cli/command-line.ts";
import { projectRoot } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const examples = join(projectRoot, "examples");

function textOf(...place: string[]): string {
  return readFileSync(join(examples, ...place), "utf8");
}

/** YAML as plain values; fails where it is not sound. */
function documentsOf(...place: string[]): unknown[] {
  return parseAllDocuments(textOf(...place)).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as unknown;
  });
}

/** All values below one, with the names of the fields that lead to each: `spec.template.spec`. */
function* fieldsOf(value: unknown, above = ""): Generator<readonly [string, unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const place = Array.isArray(value) ? above : `${above}.${name}`;
    if (!Array.isArray(value)) yield [place, inner];
    yield* fieldsOf(inner, place);
  }
}

/** Of the API of Kubernetes 1.33, those that the examples use. Labels, limits and data have names of their own. */
const known = new Set(
  `accessModes action allowPrivilegeEscalation apiVersion args backoffLimit backoffLimitPerIndex capabilities claimName
  completionMode completions configMap containerName containerPort containers data drop egress env fieldPath fieldRef from fsGroup image
  ingress key kind labels limits matchLabels maxFailedIndexes metadata mountPath name onExitCodes onPodConditions operator parallelism
  persistentVolumeClaim podFailurePolicy podReplacementPolicy podSelector policyTypes port ports readOnly readinessProbe replicas requests
  resources restartPolicy rules runAsNonRoot runAsUser secretKeyRef securityContext selector spec status strategy tcpSocket template
  terminationGracePeriodSeconds type value valueFrom values volumeMounts volumes`.split(/\s+/),
);
const own = /\.(?:labels|matchLabels|data|limits|requests|selector)\..+$/;

async function assertUnderstood(words: readonly string[]): Promise<void> {
  const called = { commands, version: "", write: () => undefined };
  assert.notEqual(await parseCommandLine([...words], called), null, words.join(" "));
}

describe("the examples for Kubernetes", () => {
  const names = readdirSync(join(examples, "kubernetes")).filter((name) => name.endsWith(".yaml"));
  const files = names.map((name) => [name, documentsOf("kubernetes", name)] as const);
  const values = files.flatMap(([name, documents]) =>
    [...fieldsOf(documents)].map((field) => [name, ...field] as const),
  );

  it("have no field that Kubernetes does not know", () => {
    const unknown = values.filter(([, place]) => !own.test(place) && !known.has(place.split(".").at(-1)!));
    assert.deepEqual(
      unknown.map(([name, place]) => `${name}: ${place}`),
      [],
    );
    assert.ok(values.length > 200);
  });

  it("have arguments that are understood, in images of this project", async () => {
    const [{ data }] = documentsOf("kubernetes", "settings.yaml") as [{ data: Record<string, string> }];
    const folder = temporaryFolder(data);
    let read = 0;
    for (const [, documents] of files) {
      for (const [place, value] of fieldsOf(documents)) {
        if (!place.endsWith(".containers") || !Array.isArray(value)) continue;
        for (const { image, args } of value as { image: string; args: string[] }[]) {
          if (image !== "blip2-bench") continue;
          await assertUnderstood(args.map((word) => word.replace("/settings", folder)));
          read += 1;
        }
      }
    }
    assert.equal(read, 4);
  });

  it("ask as many shards as there are pods, and mount volumes and read settings that are there", () => {
    const [shards] = documentsOf("kubernetes", "shards.yaml") as { spec: { completions: number } }[];
    assert.match(textOf("kubernetes", "shards.yaml"), new RegExp(`"auto/${shards!.spec.completions}"`));
    const named = (kind: string): string[] =>
      files.flatMap(([, documents]) =>
        (documents as { kind: string; metadata: { name: string } }[])
          .filter((each) => each.kind === kind)
          .map(({ metadata }) => metadata.name),
      );
    const claims = values.filter(([, place]) => place.endsWith(".claimName")).map(([, , value]) => value);
    assert.deepEqual(new Set(claims), new Set(named("PersistentVolumeClaim")));
    const settings = values.filter(([, place]) => place.endsWith(".configMap.name")).map(([, , value]) => value);
    assert.deepEqual(new Set(settings), new Set(named("ConfigMap")));
  });
});

describe("the images", () => {
  it("have the Node and the packages that are tested, and run as no superuser", () => {
    const { engines, devDependencies } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      engines: { node: string };
      devDependencies: Record<string, string>;
    };
    const major = /\d+/.exec(engines.node)![0];
    for (const name of ["Dockerfile", "Dockerfile.cuda"]) {
      const text = textOf("docker", name);
      assert.match(text, new RegExp(`^FROM node:${major}-`, "m"));
      assert.match(text, /^USER (?!root|0)/m);
      for (const [, peer, version] of text.matchAll(/(bullmq|ioredis)@([\d.]+)/g)) {
        assert.equal(`^${version}`, devDependencies[peer!]);
      }
    }
  });
});
