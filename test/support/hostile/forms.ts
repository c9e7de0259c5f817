/** Every form of file that comes from elsewhere, with folders of its own for each. */
import { binaryForms } from "./binary-forms.ts";
import { checkpointForms } from "./checkpoint-forms.ts";
import { dataForms } from "./data-forms.ts";
import type { Form } from "./form.ts";
import { recordForms } from "./record-forms.ts";

export async function hostileForms(): Promise<readonly Form[]> {
  return [...checkpointForms(), ...dataForms(), ...(await recordForms()), ...binaryForms()];
}
