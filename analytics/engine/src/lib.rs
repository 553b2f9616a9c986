//! Records become figures: admit, windows, indicators, thresholds. Pure
