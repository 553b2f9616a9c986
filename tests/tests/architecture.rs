//! The shape of the building, checked: who may depend on whom, what stays pure, how large a file may grow.

#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/purity.rs"]
mod purity;
#[path = "architecture/size.rs"]
mod size;
#[path = "architecture/steps.rs"]
mod steps;
#[path = "architecture/tree.rs"]
mod tree;
#[path = "architecture/words.rs"]
mod words;
