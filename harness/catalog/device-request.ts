/** What --device and --device-id ask for. Whether it is there, and works, is found out in device.ts. */
import { hasSeveralDevices, providerNames } from "../../models/device/device.ts";
import { UsageError } from "./usage-error.ts";

export const deviceChoices = ["auto", ...providerNames] as const;

export interface DeviceRequest {
  readonly name: (typeof deviceChoices)[number];
  readonly id: number;
}

/** The flags with their defaults. Why the CPU and not auto: see DECISIONS.md. Throws a UsageError: a number that is not there. */
export function deviceRequest(name: DeviceRequest["name"] = "cpu", id = 0): DeviceRequest {
  if (id === 0 || (name !== "auto" && hasSeveralDevices(name))) return Object.freeze({ name, id });
  throw new UsageError(
    name === "auto" || name === "cpu"
      ? `--device-id ${id}: needs --device cuda or --device dml, found --device ${name}.`
      : `--device-id ${id}: ${name} takes the device that the system gives it; only cuda and dml have several.`,
  );
}
