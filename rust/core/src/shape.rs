//! How an update lies in rows: of commitments, of masks, of statements about both.

use crate::error::{Error, Result, Stage};

/// An update's dimension and row length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub d: u64,
    pub columns: u32,
}

/// Larger updates than this are refused.
const MAX_DIMENSION: u64 = 1 << 28;

impl Shape {
    pub fn rows(&self) -> usize {
        usize::try_from(self.d.div_ceil(u64::from(self.columns.max(1)))).unwrap_or(usize::MAX)
    }

    pub fn columns(&self) -> usize {
        self.columns as usize
    }

    /// log2 of the number of rows, padded to a power of two.
    pub(crate) fn row_bits(&self) -> usize {
        self.rows().next_power_of_two().trailing_zeros() as usize
    }

    pub(crate) fn column_bits(&self) -> usize {
        self.columns.trailing_zeros() as usize
    }

    /// Used columns of the last row.
    pub(crate) fn last_row(&self) -> usize {
        let rest = self.d % u64::from(self.columns.max(1));
        if rest == 0 {
            self.columns()
        } else {
            usize::try_from(rest).unwrap_or(usize::MAX)
        }
    }

    pub(crate) fn check(&self, subject: &'static str, rows: usize) -> Result<()> {
        let ok = (1..=MAX_DIMENSION).contains(&self.d)
            && self.columns.is_power_of_two()
            && (2..=1 << 16).contains(&self.columns);
        if !ok {
            return Err(Error::new(
                subject,
                Stage::Statement,
                format!("refused shape: {} in rows of {}", self.d, self.columns),
            ));
        }
        if rows != self.rows() {
            return Err(Error::lengths(subject, self.rows(), rows));
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.d.to_be_bytes()[..], &self.columns.to_be_bytes()].concat()
    }
}
