"""The authority's register: every certificate that it issued, and what it revoked. SQLite, or what SQLAlchemy has a URL for."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ForeignKey, String, create_engine, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from fedproof.data.certificate import RevocationList, RevokedRecords
from fedproof.data.dataset import DataSet
from fedproof.encoding.text import printable
from fedproof.errors import UsageError


class _Base(DeclarativeBase):
    pass


class _Certificate(_Base):
    __tablename__ = "certificate"

    serial: Mapped[str] = mapped_column(String(32), primary_key=True)
    authority: Mapped[str] = mapped_column(String(64), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    root: Mapped[str] = mapped_column(String(64))
    records: Mapped[int]
    issued: Mapped[int]
    expires: Mapped[int]
    signed: Mapped[bytes]
    revoked: Mapped[int | None]
    """Unix seconds."""


class _Revoked(_Base):
    """One record that counts no more."""

    __tablename__ = "revoked_record"

    serial: Mapped[str] = mapped_column(ForeignKey("certificate.serial"), primary_key=True)
    record: Mapped[int] = mapped_column(primary_key=True)
    revoked: Mapped[int]


class _List(_Base):
    """The number of the last revocation list of an authority."""

    __tablename__ = "revocation_list"

    authority: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int]


class Register:
    """url: as SQLAlchemy has it, `sqlite:///register.db`. Tables are made if they are not there. Raises `UsageError`."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = create_engine(url)
            _Base.metadata.create_all(self._engine)
        except (SQLAlchemyError, ImportError) as error:
            raise UsageError(f"cannot open the register: {printable(str(error))}") from None

    def add(self, data: DataSet) -> None:
        """A certificate that was just signed, before it leaves the house: what is not in the register cannot be revoked."""
        certificate = data.certificate
        row = _Certificate(
            serial=certificate.serial,
            authority=certificate.authority,
            digest=certificate.digest().hex(),
            root=certificate.root.hex(),
            records=certificate.records,
            issued=certificate.issued,
            expires=certificate.expires,
            signed=data.signed.to_bytes(),
            revoked=None,
        )
        with Session(self._engine) as session, session.begin():
            session.add(row)

    def certificates(self, authority: str) -> list[dict[str, object]]:
        """What was issued, oldest first."""
        with Session(self._engine) as session:
            rows = session.scalars(
                select(_Certificate)
                .where(_Certificate.authority == authority)
                .order_by(_Certificate.issued, _Certificate.serial)
            )
            return [
                {
                    "serial": row.serial,
                    "records": row.records,
                    "issued": row.issued,
                    "expires": row.expires,
                    "revoked": row.revoked,
                }
                for row in rows
            ]

    def revoke(self, authority: str, serial: str, records: Iterable[int], *, now: int) -> None:
        """A certificate, or only some of its records. Again the same changes nothing. Raises `UsageError` for a certificate, or a
        record, that there is not."""
        with Session(self._engine) as session, session.begin():
            row = session.get(_Certificate, serial)
            if row is None or row.authority != authority:
                raise UsageError(f"{authority} issued no certificate with the serial {printable(serial)}")
            wanted = sorted(set(records))
            if not wanted:
                row.revoked = row.revoked or now
            elif not 0 <= wanted[0] <= wanted[-1] < row.records:
                raise UsageError(f"{serial} has records 0 to {row.records - 1}")
            for record in wanted:
                if session.get(_Revoked, (serial, record)) is None:
                    session.add(_Revoked(serial=serial, record=record, revoked=now))

    def revocation_list(self, authority: str, *, now: int) -> RevocationList:
        """The next list: everything that is revoked up to now."""
        self._count_from(authority)
        with Session(self._engine) as session, session.begin():
            # Whoever else makes a list waits here: no two have one number, and a later one holds what an earlier one does.
            of_authority = _List.authority == authority
            session.execute(update(_List).where(of_authority).values(number=_List.number + 1))
            number = session.scalars(select(_List.number).where(of_authority)).one()
            own = select(_Certificate.serial).where(_Certificate.authority == authority)
            serials = session.scalars(
                own.where(_Certificate.revoked.is_not(None)).order_by(_Certificate.serial)
            ).all()
            single: dict[str, list[int]] = {}
            found = (
                select(_Revoked).where(_Revoked.serial.in_(own)).order_by(_Revoked.serial, _Revoked.record)
            )
            for row in session.scalars(found):
                single.setdefault(row.serial, []).append(row.record)
            return RevocationList(
                authority=authority,
                number=number,
                issued=now,
                serials=tuple(serials),
                records=tuple(RevokedRecords(serial=s, indices=tuple(r)) for s, r in sorted(single.items())),
            )

    def _count_from(self, authority: str) -> None:
        """There is a row for the authority."""
        try:
            with Session(self._engine) as session, session.begin():
                if session.get(_List, authority) is None:
                    session.add(_List(authority=authority, number=0))
        except IntegrityError:
            pass  # somebody else made it meanwhile
