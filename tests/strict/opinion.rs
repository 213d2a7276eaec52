//! What others do with each row, and our reasons where two of three are of another opinion.
