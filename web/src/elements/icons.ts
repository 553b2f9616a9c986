// The page's few drawn signs. Shapes carry the meaning; colour only repeats it.
import { svg } from "lit";

const frame = (body: unknown) => svg`
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${body}</svg>`;

/** Age. */
export const clockIcon = frame(svg`
  <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5"></circle>
  <path d="M8 4.4V8l2.6 1.7" fill="none" stroke="currentColor" stroke-width="1.5"
    stroke-linecap="round"></path>`);

/** Typed by hand. */
export const pencilIcon = frame(svg`
  <path d="M3 13l.8-3L11 2.8l2.2 2.2L6 12.2z" fill="none" stroke="currentColor" stroke-width="1.4"
    stroke-linejoin="round"></path>`);

/** Outside the limit. */
export const diamondIcon = frame(svg`<path d="M8 1.2L14.8 8 8 14.8 1.2 8z" fill="currentColor"></path>`);

/** Beyond a warning. */
export const triangleIcon = frame(svg`
  <path class="triangle" d="M8 1.6L15 14.2H1z" fill="none" stroke="currentColor" stroke-width="1.8"
    stroke-linejoin="round"></path>`);

/** A target. */
export const targetIcon = frame(svg`
  <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5"></circle>
  <circle cx="8" cy="8" r="2.2" fill="currentColor"></circle>`);

/** Open window: hollow; closed window: solid (the class `solid` fills it). */
export const ringIcon = frame(svg`
  <circle class="ring" cx="8" cy="8" r="4.6" stroke="currentColor" stroke-width="1.6"></circle>`);
