/** Fetches mirrors of data sets from the hub, for `pull` and `run --pull`. */
import { shownHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { FileChoice } from "../../pull/hub/list-files.ts";
import { hubPage } from "../../pull/hub/hub.ts";
import type { HubSettings } from "../../pull/hub/hub.ts";
import { pullRepository } from "../../pull/hub/pull-repository.ts";
import type { PulledRepository } from "../../pull/hub/pull-repository.ts";
import type { Terminal } from "../terminal.ts";
import { announce } from "./pull-models.ts";
import type { Fetching } from "./with-network.ts";

/** `choice`: which of its splits, see mirrorFiles. */
export function pullMirror(
  { name, choice }: { readonly name: HubName; readonly choice: FileChoice },
  { network, progress }: Fetching,
  { hub, terminal }: { readonly hub: HubSettings; readonly terminal: Terminal },
): Promise<PulledRepository> {
  // Mirrors are others' copies, so nothing is known here of their terms.
  terminal.message(`${shownHubName(name)}: its licence and terms are on ${hubPage(hub.endpoint, name)}`);
  return pullRepository(network, hub, { name, choice, onPlan: announce(progress, terminal) });
}
