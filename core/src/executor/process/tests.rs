//! Frames, whole, in parts, and hostile.
