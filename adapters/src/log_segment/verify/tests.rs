//! Every single flipped bit of a sealed segment is found.
