/**
 * Abbreviations that keep their period, grouped by what usually follows them: that decides whether the period also ends the
 * sentence. Capitals in brackets are needed, other letters match in either case.
 */
import { oneOf } from "./characters.ts";

const months = oneOf("Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec");
const days = oneOf("Mon Tue Tues Wed Thu Thurs Fri");
const states = oneOf(`
  Ala Ariz [A]z [A]rk Calif Colo Conn Ct Dak [D]el Fla Ga [I]ll Ind Kans? Ky [L]a [M]ass Md Mich Minn [M]iss Mo Mont Neb Nev
  Okla [O]re [P]a Penn Tenn [T]ex Va Vt [W]ash Wisc? Wyo`);
const companies = oneOf("Inc Cos? Corp Pp?t[ye]s? Ltd Plc Rt Bancorp Bhd Assn Univ Intl Sys");
const numbers = oneOf("tel est ext sq");
const afterNames = oneOf(String.raw`Jr Sr Bros (Ed|Ph)\.D Blvd Rd Esq`);

/** Usually followed by lower case: a capital behind them begins a sentence. */
export const endingAbbreviation = String.raw`(${months}|${days}|${states}|${companies}|${numbers}|${afterNames}|etc|al|seq|Bldg) \.`;

const titles = oneOf(`
  Mr Mrs Ms [M]iss Drs? Profs? Sens? Reps? Attys? Lt Col Gen Messrs Govs? Adm Rev Maj Sgt Cpl Pvt Capt Ste? Ave Pres Lieut Hon
  Brig Cmdr Comdr Pfc Spc Supts? Det Mt Ft Adj Adv Asst Assoc Ens Insp Mlle Mme Msgr Sfc`);
const inNames = oneOf(String.raw`vs Alex Wm Jos Cie a\.k\.a cf TREAS Ph Invt Elec Natl Mtg Mfg Dept`);

/** Usually followed by a name: a capital behind them begins none. */
export const leadingAbbreviation = String.raw`(${titles}|${inNames}) \.`;

/** Abbreviations only before a number, else words at the end of a sentence. */
export const numberAbbreviation = String.raw`(ca|figs?|prop|nos?|art|bldg|pp|op) \.`;

const joinedAcronyms = String.raw`(Canada|Sino|Korean|EU|Japan|non)-U\.S | U\.S\.-(U\.K|U\.S\.S\.R)`;
/** Single letters with periods between and behind them, and what is written like them. */
export const acronym = String.raw`([A-Za-z] (\.[A-Za-z])* | ${joinedAcronyms}) \.`;
/** At least two letters: behind a hyphen a single one leaves its period to the sentence. */
export const longAcronym = String.raw`([A-Za-z] (\.[A-Za-z])+ | ${joinedAcronyms}) \.`;

/** Words that begin a sentence where an acronym stands before them. */
export const sentenceStart = oneOf(String.raw`
  [A]bout [A]ccording [A]dditionally [A]fter [A] [A]n [A]s [A]t [B]ut [E]arlier [H]e [H]er [H]ere [H]owever [I]f [I]n [I]t [L]ast
  [M]any [M]ore [M]r\. [M]s\. [N]ow [O]nce [O]ne [O]ther [O]ur [S]he [S]ince [S]o [S]ome [S]uch [T]hat [T]he [T]heir [T]hen
  [T]here [T]hese [T]hey [T]his [W]e [W]hen [W]hile [W]hat [Y]et [Y]ou`);
